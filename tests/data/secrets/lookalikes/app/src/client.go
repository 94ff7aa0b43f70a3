package client

type Config struct {
	Password string `json:"password,omitempty" yaml:"password"`
	Token    string `json:"token" env:"APP_TOKEN,required"`
}

var ErrBadToken = errors.New("token: malformed")

const tokenURL = "https://oauth2.googleapis.com/token"
