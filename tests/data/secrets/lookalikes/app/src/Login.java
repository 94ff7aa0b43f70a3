public class Login {
    private String password;
    private static final String PASSWORD_FIELD = "j_password";
    String apiKey = System.getenv("API_KEY");
    void set(String password) { this.password = password; }
    String token = UUID.randomUUID().toString();
    @Value("${app.secret}") private String secret;
    String secretKey = "javax.crypto.spec.SecretKeySpec";
}
