"""Values beside names that tell: passwords, keys and tokens in settings, in commands, in source code."""

from hullmark.detectors.secrets._generic import (
    ASSIGNED,
    COMMANDS,
    IN_USE,
    PASSWORD,
    SECRET,
    TEXT,
    VARIABLES,
    generic,
    quoted,
    setting,
)
from hullmark.detectors.secrets.rule import END
from hullmark.detectors.secrets.values import is_code, is_name, is_password, is_random, is_strong_password
from hullmark.model.advisory import Severity

_GENERIC = ("generic-api-key",)
"""gitleaks' one rule for a value beside a telling name: what each rule that goes by it finds, that finds too."""
_PASSWORD_VALUE = TEXT + "{5,128}"
_SECRET_VALUE = r"[\w+/=.~!@%^&*:-]{12,200}"  # noqa: S105
_XML = r"[^\s\"'<>\x00]"


def _is_guessable(value: str) -> bool:
    return (
        not is_strong_password(value)
        and not is_code(value)
        and any(sign.isdigit() for sign in value)
        and len(set(value)) >= 4
    )


def _is_word(value: str) -> bool:
    return value.isalpha() and len(set(value.lower())) >= 4 and not is_strong_password(value)


RULES = (
    generic(
        "password-in-settings",
        "A password stands in a file of settings, a command or the environment",
        setting(PASSWORD, _PASSWORD_VALUE),
        valid=is_strong_password,
        paths=IN_USE,
        bad=(
            "DB_PASSWORD=<<alnum:14>>",
            "spring.datasource.password=T<<lower:6>>!<<digits:3>>x",
            "  mysql_root_password: 'Tr0ub<<lower:4>>&<<digits:2>>'",
            "ENV APP=1 ADMIN_PASS=<<alnum:16>>",
            '"SmtpPassword": "<<alnum:12>>#1a",',
            "mysqldump --password=<<alnum:12>>7 shop",
            "export PGPASSWORD='<<alnum:12>>-9b'",
        ),
        good=(
            "DB_PASSWORD=${DB_PASSWORD}",
            "DB_PASSWORD=changeme",
            "password: '{{ vault_password }}'",
            "password_min_length=12",
            "password_hash: $2y$10$<<alnum:53>>",
            "PasswordAuthentication no",
            "DB_PASSWORD_FILE=/run/secrets/db",
            "password = os.environ['PW2_Abcdef']",
            "db.password=ENC(<<base64:24>>)",
            "password: !vault |",
            "MYSQL_RANDOM_ROOT_PASSWORD=yes",
        ),
        same_as=_GENERIC,
    ),
    generic(
        "guessable-password-in-settings",
        "A password that may be guessed stands in a file of settings, a command or the environment",
        setting(PASSWORD, _PASSWORD_VALUE),
        confidence="medium",
        valid=_is_guessable,
        paths=IN_USE,
        bad=("DB_PASSWORD=hunter2", "password: winter2019", "ENV MYSQL_ROOT_PASSWORD=secret123"),
        good=(
            "DB_PASSWORD=",
            "password: required",
            "password: true",
            "DB_PASSWORD=password",
            "DB_PASSWORD=<your password>",
        ),
    ),
    generic(
        "word-as-password",
        "A password that is a word stands in the environment",
        setting(PASSWORD, _PASSWORD_VALUE),
        confidence="medium",
        valid=_is_word,
        paths=VARIABLES,
        bad=("DB_PASSWORD=letmein", "ENV A=1 DB_PASS=correcthorsebatterystaple"),
        good=(
            "DB_PASSWORD=password",
            "DB_PASSWORD=changeme",
            "ENV ASKPASS=ssh-askpass",
            "DB_PASSWORD=true",
            "DB_PASSWORD=$PW",
        ),
    ),
    generic(
        "secret-in-settings",
        "A key or token stands in a file of settings, a command or the environment",
        setting(SECRET, _SECRET_VALUE),
        valid=is_random,
        paths=IN_USE,
        bad=(
            "SECRET_KEY=<<alnum:40>>",
            "secret_key_base: <<hex:128>>",
            "jwt.secret=<<base64:44>>",
            "api_key = '<<hex:32>>'",
            "ARG SERVICE_TOKEN=<<alnum:32>>",
            '"ClientSecret": "<<alnum:34>>"',
            "export APP_TOKEN=<<hex:40>>",
        ),
        good=(
            "SECRET_KEY=your-secret-key-here",
            "token: ${{ secrets.GITHUB_TOKEN }}",
            "api_key_name=X-Api-Key-0123",
            "GPG_KEY=<<HEX:40>>",
            "token_url: https://login.example.com/oauth2/v2.0/token",
            "secret: projects/my-project/secrets/db",
            "secretName: web-tls-2024",
        ),
        same_as=_GENERIC,
    ),
    generic(
        "password-in-code",
        "A password stands in source code",
        quoted(PASSWORD, TEXT[:-1] + r"\\<>]{6,100}"),
        confidence="medium",
        valid=is_strong_password,
        bad=(
            "password = 'Tr0ub<<lower:4>>&<<digits:2>>'",
            'connect(user="app", passwd="<<alnum:14>>")',
            "'db_pass' => '<<alnum:13>>!',",
        ),
        good=(
            'password = getPassword("db")',
            "password: 'Passwort'",
            'if password == "<<alnum:14>>":',
            "password = 'password'",
            'String password = "%s";',
        ),
        same_as=_GENERIC,
    ),
    generic(
        "secret-in-code",
        "A key or token stands in source code",
        quoted(SECRET, _SECRET_VALUE),
        confidence="medium",
        valid=is_random,
        bad=("API_KEY = '<<hex:32>>'", 'client_secret: "<<alnum:40>>"', "SECRET_KEY = 'k<<alnum:49>>'"),
        good=(
            "token = 'identifier'",
            "api_key = 'YOUR_API_KEY_HERE'",
            "publicKeyToken='<<hex:16>>'",
            'access_key = config["access_key"]',
            "integrity = 'sha512-<<base64:86>>=='",
        ),
        same_as=_GENERIC,
    ),
    generic(
        "password-in-text",
        "A password stands in a text",
        rf"(?m)^[ \t]{{0,40}}{PASSWORD}[ \t]{{0,8}}[:=][ \t]{{0,8}}(?P<secret>{TEXT}{{6,100}})[ \t\r]{{0,8}}$",
        confidence="medium",
        valid=is_strong_password,
        bad=("user: app\npassword: W<<alnum:11>>!", "username=app\npassword=k<<alnum:9>>7"),
        good=(
            "password: required",
            "password = getpass.getpass()",
            "password: str = Field(...)",
            "password: $PW",
        ),
        same_as=_GENERIC,
    ),
    generic(
        "secret-in-text",
        "A key or token stands in a text",
        rf"(?m)^[ \t]{{0,40}}{SECRET}[ \t]{{0,8}}[:=][ \t]{{0,8}}(?P<secret>[A-Za-z0-9+/_.~-]{{20,200}}={{0,2}})[ \t\r]{{0,8}}$",
        confidence="medium",
        valid=is_random,
        bad=("token: <<hex:32>>", "  api_key = <<alnum:32>>"),
        good=(
            "token: identifier_of_the_thing",
            "secret: projects/x/secrets/y/versions/1",
            "token = self.next_token_of_stream2",
        ),
        same_as=_GENERIC,
    ),
    generic(
        "password-in-xml-attribute",
        "A password stands in an XML document",
        rf"(?:^|[\s]){PASSWORD}[ \t]{{0,4}}=[ \t]{{0,4}}[\"'](?P<secret>{_XML}{{6,128}})[\"']",
        valid=is_strong_password,
        paths=("**/*.xml", "**/*.config", "**/*.csproj", "**/*.jnlp", "**/*.ldif"),
        bad=('<Resource name="jdbc/x" username="a" password="W<<alnum:11>>!"/>',),
        good=(
            '<user username="admin" password="password"/>',
            '<Resource password="${db.password}"/>',
            '<user password="must-be-changed"/>',
        ),
        same_as=_GENERIC,
    ),
    generic(
        "password-in-xml",
        "A password stands in an XML document",
        rf"<(?:[a-z0-9]{{1,20}}:)?{PASSWORD}>[ \t]{{0,8}}(?P<secret>{_XML}{{6,128}})[ \t]{{0,8}}</",
        valid=is_password,
        bad=("<password>T<<alnum:11>></password>", "<db:adminPassword>s3cr<<lower:3>>-99</db:adminPassword>"),
        good=(
            "<password>{<<base64:43>>=}</password>",
            "<password>${env.PW}</password>",
            "<password>password</password>",
            "<password></password>",
        ),
    ),
    generic(
        "password-in-xml-value",
        "A password stands in an XML attribute",
        rf"(?i:(?:key|name)[ \t]{{0,4}}=[ \t]{{0,4}}[\"']){PASSWORD}[\"'](?:[ \t]{{1,8}}(?i:value)[ \t]{{0,4}}=[ \t]{{0,4}}[\"']|[ \t]{{0,4}}>)(?P<secret>{_XML}{{6,128}})[\"'<]",
        valid=is_password,
        bad=(
            '<add key="ClearTextPassword" value="N<<alnum:12>>" />',
            '<property name="hibernate.connection.password">Y7<<alnum:9>></property>',
        ),
        good=(
            '<add key="DbPassword" value="#{DbPassword}#" />',
            '<property name="password" value="${db.password}"/>',
            '<input name="password" value="password1">',
        ),
    ),
    generic(
        "password-by-name-and-value",
        "A password stands in a list of names and values",
        rf"(?i:\bname)[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}[\"']?{PASSWORD}[\"']?[ \t]{{0,4}},?\s{{1,60}}[\"']?(?i:value)[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}[\"']?(?P<secret>{TEXT}{{6,128}}){END}",
        valid=is_strong_password,
        bad=(
            "- name: DB_PASSWORD\n  value: 'Q<<alnum:13>>1'",
            '{"name": "API_PASSWORD", "value": "<<alnum:16>>"}',
        ),
        good=(
            "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:",
            "- name: DB_PASSWORD\n  value: $(DB_PASSWORD)",
            '{"name": "password", "value": "password"}',
        ),
    ),
    generic(
        "secret-by-name-and-value",
        "A key or token stands in a list of names and values",
        rf"(?i:\bname)[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}[\"']?{SECRET}[\"']?[ \t]{{0,4}},?\s{{1,60}}[\"']?(?i:value)[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}[\"']?(?P<secret>{_SECRET_VALUE}){END}",
        valid=is_random,
        paths=("**/*.yml", "**/*.yaml", "**/*.json", "**/*.tf"),
        bad=("- name: API_TOKEN\n  value: <<alnum:32>>", '{"name": "SECRET_KEY", "value": "<<hex:64>>"}'),
        good=("- name: API_TOKEN\n  value: $(API_TOKEN)", '{"name": "token", "value": "some-token-name"}'),
    ),
    generic(
        "php-password-constant",
        "A constant of a PHP program holds a password",
        r"(?i:\bdefine)[ \t]{0,4}\([ \t]{0,4}[\"']"
        + PASSWORD
        + r"[\"'][ \t]{0,4},[ \t]{0,4}[\"'](?P<secret>[^\s\"'\x00]{6,128})[\"']",
        valid=is_password,
        paths=("**/*.php", "**/*.inc", "**/*.phtml"),
        bad=("define('DB_PASSWORD', 'W<<alnum:13>>');", 'define( "FTP_PASS", "<<alnum:10>>-4" );'),
        good=(
            "define('DB_PASSWORD', 'password_here');",
            "define('DB_PASSWORD', getenv('DB_PASSWORD'));",
            "define('RESET_PASSWORD', 'reset_password');",
        ),
        same_as=_GENERIC,
    ),
    generic(
        "php-key-constant",
        "A constant of a PHP program holds a key or salt, with which sessions can be forged",
        r"(?i:\bdefine)[ \t]{0,4}\([ \t]{0,4}[\"'](?i:[\w.-]{0,40}(?:_KEY|_SALT|SECRET|TOKEN))[\"'][ \t]{0,4},[ \t]{0,16}[\"'](?P<secret>[^\"'\x00\n]{20,128})[\"']",
        valid=lambda value: is_random(value) or (len(value) == 64 and len(set(value)) > 25),
        paths=("**/*.php", "**/*.inc", "**/*.phtml"),
        bad=(
            "define('AUTH_KEY',         '<<alnum:30>>#<<alnum:33>>');",
            "define('API_SECRET', '<<hex:40>>');",
        ),
        good=(
            "define('AUTH_KEY', 'put your unique phrase here');",
            "define('MESSAGE_KEY', 'a text of several words which is long');",
        ),
        same_as=_GENERIC,
    ),
    generic(
        "django-secret-key",
        "Django's settings hold the key that signs sessions and resets of passwords",
        r"\bSECRET_KEY[ \t]{0,8}=[ \t]{0,8}[rb]{0,2}[\"'](?P<secret>[^\"'\x00\n\\]{20,128})[\"']",
        valid=lambda value: is_random(value.removeprefix("django-insecure-")) or len(set(value)) > 25,
        paths=("**/settings.py", "**/settings/*.py", "**/*_settings.py", "**/settings_*.py", "**/config.py"),
        why="Whoever has it can forge sessions, and with some settings run code.",
        bad=("SECRET_KEY = 'django-insecure-<<alnum:24>>#<<alnum:25>>'", 'SECRET_KEY = "<<hex:64>>"'),
        good=("SECRET_KEY = os.environ['SECRET_KEY']", "SECRET_KEY = 'change-me-in-production-please'"),
        same_as=_GENERIC,
    ),
    generic(
        "connection-string-password",
        "A connection string holds a password",
        r"(?i:(?:server|data source|host|user id|uid|user|username|initial catalog|database)[ ]?=[^\"'\n\x00;]{1,100};(?:[^\"'\n\x00]{0,300};)?[ ]{0,2}(?:password|pwd)[ ]?=)(?P<secret>[^\s;\"'<>\x00]{4,128})(?:[;\"'<\s]|$)",
        searched=r"(?i:;[^\"'\n\x00]{0,2}(?:password|pwd)[ ]?=)[^\s;\"'<>\x00]{4}",
        valid=lambda value: not is_code(value) and not is_name(value),
        bad=(
            "Server=db1;Database=shop;User Id=app;Password=B<<alnum:11>>;",
            'conn = "Host=pg;Username=u;Password=s3<<lower:5>>9"',
        ),
        good=(
            "Server=db1;User Id=app;Password=${PW};",
            "Server=myServer;Uid=myUsername;Pwd=myPassword;",
            "Data Source=x;User ID=y;Password=*****;",
        ),
        same_as=(*_GENERIC, "kingfisher.credentials.1"),
    ),
    generic(
        "connection-string-key",
        "A connection string holds an account's key",
        r"(?i:(?:AccountKey|SharedAccessKey|SharedSecretValue|AccessKey)=)(?P<secret>[A-Za-z0-9+/]{27,88}={0,2})(?:[;\"'<\s&\x00]|$)",
        valid=is_random,
        bad=(
            "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=<<base64:86>>==;",
            "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=<<base64:43>>=",
        ),
        good=(
            "AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1<<base64:54>>==;",
            "AccountKey=youraccountkeyyouraccountkey;",
        ),
        same_as=_GENERIC,
    ),
    generic(
        "key-id",
        "The id of an access key stands alone: it tells the account, and half of a key pair",
        rf"(?i:\b[\w.-]{{0,40}}access[_.-]?key[_.-]?id){ASSIGNED}[\"']?(?P<secret>[A-Za-z0-9]{{16,40}}){END}",
        severity=Severity.LOW,
        confidence="medium",
        why="With the account that it tells an attacker has one half of what the key pair's owner can do, and a name to ask for.",
        valid=lambda value: is_random(value) and value[:2].isalpha(),
        bad=("aws_access_key_id = AKIA<<base32:16>>", "accessKeyId: 'LTAI<<upper:16>>'"),
        good=("aws_access_key_id = AKIAIOSFODNN7EXAMPLE", "accessKeyId: process.env.AWS_ACCESS_KEY_ID"),
    ),
    generic(
        "environment-instruction-secret",
        "An instruction of a Dockerfile sets a password, key or token",
        rf"(?m)^[ \t]{{0,8}}(?i:ENV)[ \t]{{1,8}}(?:{PASSWORD}|{SECRET})[ \t]{{1,8}}[\"']?(?P<secret>{TEXT}{{6,200}})[\"']?[ \t\r]{{0,8}}$",
        valid=is_strong_password,
        paths=tuple(glob for glob in COMMANDS if "ocker" in glob or "ontainer" in glob),
        bad=("ENV DB_PASSWORD <<alnum:14>>", "ENV API_TOKEN <<hex:32>>"),
        good=("ENV DB_PASSWORD ${PW}", "ENV GPG_KEY <<HEX:40>>", "ENV DB_PASSWORD changeme"),
    ),
)
