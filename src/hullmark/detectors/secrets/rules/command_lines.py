"""Passwords on command lines: in scripts, build instructions, an image's history, a shell's history, time tables."""

from hullmark.detectors.secrets._generic import generic
from hullmark.detectors.secrets.rule import END
from hullmark.detectors.secrets.values import is_code, is_name
from hullmark.model.advisory import Severity

_WHY = "Who can pull the image or list the processes can read a command line, and use what it holds."
_GAP = r"[ \t]{1,8}"
_ARGUMENTS = r"[^\n;|&\x00]{0,200}?"
_WORD = r"[^\s\"'`\\;|&<>()\x00]"
_OPEN = r"[\"']?"


def _is_typed(value: str) -> bool:
    """Tell whether somebody typed a value as a password: it is no option, no code, not just words."""
    return (
        not value.startswith(("-", "$", "/"))
        and not is_code(value)
        and not is_name(value)
        and len(set(value)) >= 4
    )


RULES = (
    generic(
        "curl-user-password",
        "A user's password is an argument of curl",
        rf"\bcurl{_GAP}(?:{_ARGUMENTS}{_GAP})?(?:-u[ \t]{{0,4}}|--user[ \t=]{{1,4}}|--proxy-user[ \t=]{{1,4}}|-U[ \t]{{1,4}}){_OPEN}[^\s:\"'`$\x00]{{1,64}}:(?P<secret>{_WORD}{{4,128}})",
        valid=_is_typed,
        why=_WHY,
        bad=(
            "curl -u app:T<<alnum:9>> https://shop.test/",
            "RUN curl -fsSL --user 'bot:<<alnum:12>>9' https://shop.test/x",
        ),
        good=(
            "curl -u user:password https://shop.test/",
            "curl -u $USER:$PASS https://shop.test",
            "curl -u app: https://shop.test",
            "curl --user-agent x:y1234z http://a",
        ),
        same_as=("curl-auth-user",),
    ),
    generic(
        "mysql-password-argument",
        "A database user's password is an argument",
        rf"\b(?:mysql|mysqldump|mysqladmin|mysqlimport|mysqlcheck|mariadb|mariadb-dump|mariadb-admin){_GAP}(?:{_ARGUMENTS}{_GAP})?-p{_OPEN}(?P<secret>{_WORD}{{5,64}})",
        valid=_is_typed,
        why=_WHY,
        bad=("mysql -h db -u root -pR<<alnum:9>> shop", "mysqldump -uroot -p'<<alnum:10>>1' shop > x"),
        good=(
            "mysql -u root -p shop",
            "mysql -u root -p$PW shop",
            'mysql -uroot -p"${MYSQL_ROOT_PASSWORD}"',
            "mysql -u root -ppassword",
        ),
    ),
    generic(
        "sshpass-password",
        "A password for SSH is an argument of sshpass",
        rf"\bsshpass{_GAP}(?:-v{_GAP})?-p[ \t]{{0,4}}{_OPEN}(?P<secret>{_WORD}{{4,64}})",
        valid=_is_typed,
        why=_WHY,
        bad=("sshpass -p 'T<<alnum:9>>' ssh root@10.0.0.1", "sshpass -pQ<<alnum:8>>3 scp a b:"),
        good=("sshpass -p $PW ssh a", "sshpass -e ssh a", "sshpass -p password ssh a"),
    ),
    generic(
        "ftp-user-password",
        "A user's password is an argument of lftp",
        rf"\blftp{_GAP}(?:{_ARGUMENTS}{_GAP})?(?:-u[ \t]{{0,4}}|--user[ \t=]{{1,4}}){_OPEN}[^\s,\"'`$\x00]{{1,64}},(?P<secret>{_WORD}{{4,128}})",
        valid=_is_typed,
        why=_WHY,
        bad=(
            "lftp -u upload,T<<alnum:9>> ftp.shop.test",
            "lftp -e 'mirror' -u up,Q<<alnum:9>>3 ftp.shop.test",
        ),
        good=(
            "lftp -u user,password ftp.shop.test",
            "lftp -u $USER,$PASS ftp.shop.test",
            "lftp -u upload ftp.shop.test",
        ),
    ),
    generic(
        "login-password-argument",
        "A registry's or service's password is an argument of a login",
        rf"\b(?:docker|podman|buildah|skopeo|nerdctl|helm|oras|crane|regctl|az|oc|cf|argocd|vault|heroku|npm|gcloud){_GAP}(?:registry{_GAP}|auth{_GAP})?login\b{_ARGUMENTS}{_GAP}-p(?:assword)?[ \t=]{{1,4}}{_OPEN}(?P<secret>{_WORD}{{6,256}})",
        valid=_is_typed,
        why=_WHY,
        bad=(
            "docker login -u ci -p <<alnum:20>> registry.shop.test",
            "az login --service-principal -u x -p '<<alnum:30>>7' --tenant t",
        ),
        good=(
            "docker login -u ci -p $TOKEN",
            "echo $T | docker login -u ci --password-stdin",
            "docker login -u user -p password",
        ),
    ),
    generic(
        "password-option",
        "A password is an option of a command",
        rf"(?:^|[\s\"'])--?(?:[a-z]{{1,20}}-)?(?:password|passwd|passphrase|pass|storepass|keypass|srcstorepass|deststorepass|http-password|ftp-password|requirepass)(?:{_GAP}|=){_OPEN}(?P<secret>{_WORD}{{6,128}})",
        valid=lambda value: _is_typed(value) and any(sign.isdigit() for sign in value),
        confidence="medium",
        why=_WHY,
        bad=(
            "wget --http-user=a --http-password=W<<alnum:9>>7 https://shop.test",
            "keytool -genkey -storepass k<<alnum:8>>2",
            "gpg --batch --passphrase 'x<<alnum:9>>4' -c f",
        ),
        good=(
            "wget --password=$PW https://shop.test",
            "mysql --password shop",
            "--password=PASSWORD",
            "cmd --password <password>",
            "--password-file /run/secrets/x1",
        ),
    ),
    generic(
        "piped-password",
        "A user's password is set by a command",
        rf"\becho{_GAP}(?:-[en]{_GAP})?{_OPEN}[a-z_][\w-]{{0,31}}:(?P<secret>{_WORD}{{4,64}})[\"']?[ \t]{{0,4}}\|[ \t]{{0,4}}(?:sudo[ \t]{{1,4}})?(?:/usr/sbin/)?chpasswd",
        valid=lambda value: not value.startswith(("$", "%", "{")) and not is_code(value),
        yields=False,
        why="Everybody who can pull the image knows the password of this user, and can log in where a service asks for it.",
        fix="Leave the user without a password (there is no need to log in to a container), or hand over a hash when the container runs.",
        bad=(
            "RUN echo 'root:root' | chpasswd",
            "RUN echo 'root:screencast' | chpasswd",
            'echo "app:T<<alnum:9>>" | sudo chpasswd',
        ),
        good=(
            'echo "root:$PW" | chpasswd',
            "echo root:${PASSWORD} | chpasswd",
            "echo root:{password} | chpasswd",
            "echo 'root:changeme' | cat",
        ),
    ),
    generic(
        "sudo-password",
        "A password is piped to sudo",
        rf"\becho{_GAP}{_OPEN}(?P<secret>{_WORD}{{5,64}})[\"']?[ \t]{{0,4}}\|[ \t]{{0,4}}sudo{_GAP}(?:-[a-zA-Z]{{1,4}}{_GAP})?-S\b",
        valid=_is_typed,
        why=_WHY,
        bad=("echo 'T<<alnum:9>>1' | sudo -S apt update",),
        good=("echo $PW | sudo -S apt update", "echo password | sudo -S ls"),
    ),
    generic(
        "client-password-argument",
        "A password is an argument of a client",
        rf"\b(?:redis-cli{_GAP}{_ARGUMENTS}(?:-a|--pass)|ldap(?:search|add|modify|delete|passwd|whoami){_GAP}{_ARGUMENTS}-w|sqlcmd{_GAP}{_ARGUMENTS}-P|mongo(?:sh|dump|restore|export|import)?{_GAP}{_ARGUMENTS}-p|"
        rf"rabbitmqctl{_GAP}(?:add_user|change_password){_GAP}[\w.-]{{1,40}}|htpasswd{_GAP}-[a-zA-Z]{{0,4}}b[a-zA-Z]{{0,4}}{_GAP}\S{{1,100}}{_GAP}[\w.-]{{1,40}}|net[ \t]user[ \t]\w{{1,40}}){_GAP}{_OPEN}(?P<secret>{_WORD}{{5,64}}){END}",
        valid=_is_typed,
        why=_WHY,
        bad=(
            "redis-cli -h cache -a R<<alnum:10>>1 ping",
            "ldapsearch -x -D cn=admin -w L<<alnum:9>>2 uid=x",
            "htpasswd -bc /etc/nginx/.htpasswd admin P<<alnum:8>>3",
            "rabbitmqctl add_user app Q<<alnum:9>>4",
        ),
        good=(
            "redis-cli -a $PW ping",
            "ldapsearch -x -D cn=admin -W",
            "htpasswd -bc f admin password",
            "rabbitmqctl add_user app ${PW}",
        ),
    ),
    generic(
        "openssl-pass-argument",
        "A key's passphrase is an argument of OpenSSL",
        rf"\bopenssl{_GAP}{_ARGUMENTS}(?:-pass|-passin|-passout){_GAP}{_OPEN}pass:(?P<secret>{_WORD}{{4,64}})",
        valid=_is_typed,
        severity=Severity.MEDIUM,
        confidence="medium",
        why=_WHY,
        bad=("openssl rsa -in k.pem -passin pass:Z<<alnum:8>>1 -out k",),
        good=("openssl rsa -in k.pem -passin pass:$PW", "openssl genrsa -passout pass:password"),
    ),
)
