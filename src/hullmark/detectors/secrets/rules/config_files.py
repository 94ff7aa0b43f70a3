"""Credentials in files whose format and purpose are known: of package managers, clients, clouds, databases; and key stores.

Each rule names the files (`paths`) or the form that leaves no doubt; there a plain word is a password too.
"""

import base64
import binascii

from hullmark.detectors.secrets._generic import READ, REPLACE, generic
from hullmark.detectors.secrets.values import (
    is_code,
    is_password,
    is_random,
    is_strong_password,
    reason_it_is_none,
)
from hullmark.model.advisory import Severity

_VALUE = r"[^\s\"'\x00]"


def _is_login(value: str) -> bool:
    """Base64 of `user:password`, as in Docker's `auths` and npm's `_auth`."""
    try:
        text = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return False
    user, colon, password = text.partition(":")
    return bool(user and colon and text.isprintable() and len(password) >= 4) and not reason_it_is_none(
        password
    )


def _is_kept(value: str) -> bool:
    """Anything but a reference: these files hold nothing else at this place."""
    return not value.startswith(("$", "%", "{", "<")) and not is_code(value)


def _holds_key(value: str) -> bool:
    """Base64 of a private key in PEM (RFC 7468)."""
    try:
        return b"PRIVATE KEY-----" in base64.b64decode(value[: len(value) // 4 * 4])
    except (binascii.Error, ValueError):
        return False


RULES = (
    generic(
        "netrc-password",
        "A .netrc file holds a password",
        rf"\b(?:machine|default)\s[^#\x00]{{0,300}}?\bpassword\s{{1,20}}(?P<secret>{_VALUE}{{4,256}})",
        paths=("**/.netrc", "**/_netrc", "**/netrc"),
        fix=REPLACE,
        bad=(
            "machine git.shop.test login ci password winter<<lower:4>>9",
            "machine git.shop.test\n  login ci\n  password <<alnum:20>>",
        ),
        good=("machine git.shop.test login ci password $TOKEN", "machine host login me password password"),
        same_as=("kingfisher.netrc.1",),
    ),
    generic(
        "pgpass-password",
        "A .pgpass file holds a database user's password",
        rf"(?m)^[^:#\s\x00]{{1,200}}(?::\*:|:5432:|:543\d:|:6432:)[^:\n\x00]{{1,64}}:[^:\n\x00]{{1,64}}:(?P<secret>{_VALUE}{{4,128}})",
        paths=("**/.pgpass", "**/pgpass", "**/pgpass.conf"),
        valid=_is_kept,
        fix=REPLACE,
        bad=("db:5432:shop:app:winter<<lower:4>>", "*:*:*:app:<<alnum:12>>"),
        good=("# hostname:port:database:username:password", "db:5432:shop:app:$PW"),
    ),
    generic(
        "npmrc-credential",
        "An .npmrc file holds a registry's credential",
        rf"(?:_authToken|_password|_auth)[ \t]{{0,4}}=[ \t]{{0,4}}[\"']?(?P<secret>{_VALUE}{{8,1024}})",
        paths=("**/.npmrc", "**/npmrc", "**/.yarnrc", "**/Dockerfile*", "**/*.sh"),
        valid=_is_kept,
        fix=REPLACE,
        bad=(
            "//registry.shop.test/:_authToken=<<alnum:36>>",
            "_auth=YnVpbGQ6VHIwdWI0ZG9yJjM=",
            "//r.test/:_password=<<base64:24>>",
        ),
        good=("//registry.npmjs.org/:_authToken=${NPM_TOKEN}", "always-auth=true", "_auth=$NPM_AUTH"),
        same_as=("npm-access-token",),
    ),
    generic(
        "yarn-credential",
        "A .yarnrc.yml file holds a registry's credential",
        rf"\bnpmAuth(?:Token|Ident):[ \t]{{1,4}}[\"']?(?P<secret>{_VALUE}{{8,1024}})",
        paths=("**/.yarnrc.yml",),
        valid=_is_kept,
        fix=REPLACE,
        bad=("npmAuthToken: <<alnum:36>>", "    npmAuthIdent: 'build:T<<alnum:9>>'"),
        good=('npmAuthToken: "${NPM_TOKEN}"',),
    ),
    generic(
        "pypirc-password",
        "A .pypirc file holds a package index's password or token",
        rf"(?m)^[ \t]{{0,8}}password[ \t]{{0,8}}[=:][ \t]{{0,8}}(?P<secret>{_VALUE}{{4,512}})",
        paths=("**/.pypirc", "**/pip.conf"),
        valid=_is_kept,
        fix=REPLACE,
        bad=("[pypi]\nusername = me\npassword = winter<<lower:5>>",),
        good=("password = ${PYPI_TOKEN}", "password: <your-token>"),
    ),
    generic(
        "registry-login",
        "A client's configuration holds a registry's login",
        r"\"auth\"[ \t]{0,4}:\s{0,20}\"(?P<secret>[A-Za-z0-9+/]{12,4000}={0,2})\"",
        valid=_is_login,
        paths=("**/*.json", "**/.docker*", "**/*.y*ml", "**/Dockerfile*", "**/*.sh", "history", "history.*"),
        fix="Take it out, replace the password, and log in where it is needed: with a credential helper, or RUN --mount=type=secret when the image is built.",
        bad=(
            '{"auths": {"registry.shop.test": {"auth": "YnVpbGQ6VHIwdWI0ZG9yJjM="}}}',
            '"auth":\n  "YXBwOlI3eFFhOTJiTHo="',
        ),
        good=(
            '{"auths": {"registry.shop.test": {}}}',
            '"auth": "dXNlcm5hbWU6cGFzc3dvcmQ="',
            '"auth": "requiredByDefault"',
        ),
        same_as=("dockerconfig-secret", "kingfisher.dockerconfig.1"),
    ),
    generic(
        "registry-identity-token",
        "A client's configuration holds a registry's identity token",
        r"\"(?:identitytoken|registrytoken)\"[ \t]{0,4}:[ \t]{0,4}\"(?P<secret>[\w.=+/-]{20,4000})\"",
        fix=REPLACE,
        bad=('"identitytoken": "<<alnum:60>>"',),
        good=('"identitytoken": ""', '"identitytoken": "${TOKEN_OF_THE_REGISTRY}"'),
    ),
    generic(
        "kubeconfig-client-key",
        "A kubeconfig holds a client's private key",
        r"client-key-data:[ \t]{1,4}[\"']?(?P<secret>LS0tLS1CRUdJT[A-Za-z0-9+/=]{120})",
        valid=_holds_key,
        why="Whoever reads it can do in the cluster what this user can.",
        fix=REPLACE,
        bad=("    client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ<<base64:120>>",),
        good=(
            "client-key-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg<<base64:120>>",
            "client-key-data: DATA+OMITTED",
        ),
    ),
    generic(
        "kubeconfig-credential",
        "A kubeconfig holds a user's token or password",
        rf"(?m)^[ \t]{{2,12}}(?:-[ \t])?(?:token|password|id-token|refresh-token|access-token):[ \t]{{1,4}}[\"']?(?P<secret>{_VALUE}{{8,2000}})",
        paths=(
            "**/.kube/*",
            "**/kubeconfig*",
            "**/*.kubeconfig",
            "etc/kubernetes/*.conf",
            "etc/rancher/k3s/k3s.yaml",
        ),
        valid=_is_kept,
        why="Whoever reads it can do in the cluster what this user can.",
        fix=REPLACE,
        bad=("    token: <<alnum:32>>", "    password: winter<<lower:6>>"),
        good=("    token: REDACTED", "    tokenFile: /var/run/secrets/token"),
    ),
    generic(
        "rclone-password",
        "An rclone.conf holds a password, hidden in a way that anybody can undo",
        r"(?m)^(?:pass|password2?|auth)[ \t]{0,4}=[ \t]{0,4}(?P<secret>[\w-]{20,200})",
        paths=("**/rclone.conf", "**/.rclone.conf"),
        fix=REPLACE,
        bad=("[box]\ntype = sftp\npass = <<base64url:38>>",),
        good=("pass =", "pass = $PW"),
    ),
    generic(
        "cargo-credential",
        "Cargo's credentials hold a registry's token",
        rf"(?m)^token[ \t]{{0,4}}=[ \t]{{0,4}}\"(?P<secret>{_VALUE}{{8,512}})\"",
        paths=("**/.cargo/credentials", "**/.cargo/credentials.toml", "**/.cargo/config.toml"),
        valid=_is_kept,
        fix=REPLACE,
        bad=('[registry]\ntoken = "<<alnum:32>>"',),
        good=('token = "${CARGO_TOKEN}"',),
    ),
    generic(
        "gem-credential",
        "RubyGems' or Bundler's credentials hold a key",
        rf"(?m)(?:^:?[\w.-]{{0,40}}api_key:[ \t]{{1,4}}|^BUNDLE_[A-Z0-9_]{{3,80}}:[ \t]{{1,4}}[\"']?[^\s:\"']{{1,80}}:)(?P<secret>{_VALUE}{{8,256}})",
        paths=("**/.gem/credentials", "**/.bundle/config", "**/.config/gem/*"),
        valid=_is_kept,
        fix=REPLACE,
        bad=("---\n:rubygems_api_key: <<hex:32>>", 'BUNDLE_GEMS__SHOP__TEST: "build:<<alnum:14>>"'),
        good=(":rubygems_api_key: <%= ENV['KEY'] %>", 'BUNDLE_PATH: "vendor/bundle"'),
    ),
    generic(
        "forge-cli-token",
        "The configuration of a forge's command line holds a token",
        rf"(?m)^[ \t]{{0,12}}(?:-[ \t])?(?:oauth_token|token|private_token|job_token)[ \t]{{0,4}}[:=][ \t]{{1,4}}[\"']?(?P<secret>{_VALUE}{{16,300}})",
        paths=(
            "**/gh/hosts.yml",
            "**/.config/hub",
            "**/glab-cli/config.yml",
            "**/.python-gitlab.cfg",
            "**/doctl/config.yaml",
            "**/.config/tea/config.yml",
        ),
        valid=is_random,
        fix=REPLACE,
        bad=("github.test:\n    oauth_token: <<alnum:40>>", "private_token = <<alnum:20>>"),
        good=("    oauth_token: ${GH_TOKEN}",),
    ),
    generic(
        "composer-token",
        "Composer's auth.json holds a forge's token",
        r"\"(?:[\w-]{1,40}\.){1,5}[a-z]{2,20}\"\s{0,10}:\s{0,10}\"(?P<secret>[\w.-]{16,200})\"",
        paths=("**/auth.json",),
        valid=is_random,
        fix=REPLACE,
        bad=('{"github-oauth": {"git.shop.test": "<<alnum:40>>"}}',),
        good=('{"github-oauth": {"github.com": "your-token-goes-here-0"}}',),
    ),
    generic(
        "composer-password",
        "Composer's auth.json holds a repository's password",
        rf"\"password\"\s{{0,10}}:\s{{0,10}}\"(?P<secret>{_VALUE}{{4,200}})\"",
        paths=("**/auth.json", "**/.composer/config.json"),
        valid=_is_kept,
        fix=REPLACE,
        bad=('{"http-basic": {"repo.shop.test": {"username": "a", "password": "winter<<lower:6>>"}}}',),
        good=('"password": "${PW}"', '"password": "password"'),
    ),
    generic(
        "maven-password",
        "Maven's settings hold a server's password or key",
        r"<(?:password|passphrase)>[ \t]{0,8}(?P<secret>[^\s<>{}\x00]{4,128})[ \t]{0,8}</",
        paths=("**/.m2/settings.xml", "**/maven/conf/settings.xml", "**/settings.xml"),
        valid=is_password,
        fix=REPLACE,
        bad=("<server><id>a</id><password>winter<<lower:5>></password></server>",),
        good=(
            "<password>${env.MAVEN_PASSWORD}</password>",
            "<password>some_password</password>",
            "<password>repopwd</password>",
            "<password>{<<base64:44>>}</password>",
        ),
        same_as=("maven-settings-password", "maven-settings-passphrase"),
    ),
    generic(
        "service-account-key",
        "A file holds a service account's private key",
        r"\"private_key\"\s{0,8}:\s{0,8}\"-----BEGIN (?:RSA |EC )?PRIVATE KEY-----\\n(?P<secret>[A-Za-z0-9+/\\]{60})",
        fix=REPLACE,
        bad=('{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\n<<base64:64>>\\n"}',),
        good=(
            '"private_key": "-----BEGIN PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----"',
            '"private_key": "${KEY}"',
        ),
        same_as=("private-key",),
        yields=False,
    ),
    generic(
        "pkcs12-private-key",
        "A key store (PKCS #12) holds a private key",
        # RFC 7292: pkcs8ShroudedKeyBag and keyBag, the object identifier in DER and the value that it announces
        r"(?s)\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01[\x01\x02]\xa0(?:\x81[\x00-\xff]|\x82[\x00-\xff]{2}|[\x20-\x7f])(?P<secret>\x30[\x00-\xff]{63})",
        binary=True,
        yields=False,
        why="Its password is often a word that everybody knows, and can be guessed without a limit by whoever has the file.",
        fix=REPLACE,
        bad=(
            "\x00\x30\x82\x05\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02\xa0\x82\x05\x3a\x30\x82\x05\x36<<alnum:80>>",
        ),
        good=(
            "\x00\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03\xa0\x82\x05\x3a\x30\x82\x05\x36<<alnum:80>>",
        ),
    ),
    generic(
        "java-keystore-private-key",
        "A key store of Java holds a private key",
        # the algorithm by which sun.security.provider.KeyProtector (1.3.6.1.4.1.42.2.17.1.1) and JCEKS (…2.19.1) protect a private key, in an EncryptedPrivateKeyInfo
        r"(?s)\x30[\x0c-\x30]\x06[\x09\x0a]\x2b\x06\x01\x04\x01\x2a\x02(?:\x11\x01\x01\x05\x00|\x13\x01\x30[\x00-\xff]{8,32})\x04\x82[\x00-\xff]{2}(?P<secret>[\x00-\xff]{64})",
        binary=True,
        yields=False,
        why="Its password is often a word that everybody knows (changeit), and can be guessed without a limit by whoever has the file.",
        fix=REPLACE,
        bad=(
            "\x00\x30\x0e\x06\x0a\x2b\x06\x01\x04\x01\x2a\x02\x11\x01\x01\x05\x00\x04\x82\x05\x00<<alnum:80>>",
        ),
        good=(
            "\x00\x30\x0e\x06\x0a\x2b\x06\x01\x04\x01\x2a\x02\x11\x01\x02\x05\x00\x04\x82\x05\x00<<alnum:80>>",
        ),
    ),
    generic(
        "redis-password",
        "The settings of Redis hold a password",
        rf"(?m)^[ \t]{{0,8}}(?:requirepass|masterauth)[ \t]{{1,8}}[\"']?(?P<secret>{_VALUE}{{4,200}})",
        paths=("**/*redis*.conf", "**/sentinel*.conf", "**/*.conf"),
        valid=_is_kept,
        bad=("requirepass winter<<lower:6>>",),
        good=("# requirepass foobared", "requirepass ${REDIS_PASSWORD}"),
    ),
    generic(
        "ldap-bind-password",
        "The settings of an LDAP client or server hold a password",
        rf"(?m)^[ \t]{{0,8}}(?:bindpw|rootpw|ldap_default_authtok)[ \t=]{{1,8}}[\"']?(?P<secret>{_VALUE}{{4,200}})",
        paths=("**/*ldap*.conf", "**/nslcd.conf", "**/slapd.conf", "**/sssd.conf", "**/*ldap*/*.conf"),
        valid=_is_kept,
        bad=(
            "bindpw winter<<lower:6>>",
            "rootpw\twinter<<lower:6>>",
            "ldap_default_authtok = winter<<lower:6>>",
        ),
        good=("# bindpw secret", "rootpw {SSHA}<<base64:32>>", "bindpw ${LDAP_PASSWORD}"),
    ),
    generic(
        "vpn-user-password",
        "A file for OpenVPN's auth-user-pass holds a password",
        r"(?m)^[\w.@+-]{2,64}\r?\n(?P<secret>[!-~]{6,128})[ \t\r]{0,8}$",
        paths=("**/openvpn/*auth*", "**/openvpn/*pass*", "**/openvpn/*login*", "**/*auth-user-pass*"),
        valid=is_strong_password,
        bad=("vpnuser\n<<alnum:12>>!7\n",),
        good=("vpnuser\npassword\n", "client\nremote\n"),
    ),
    generic(
        "laravel-app-key",
        "The settings of a Laravel application hold its key",
        r"(?m)(?:^|[\s\"'])APP_KEY[\"']?[ \t]{0,4}[=:][ \t]{0,4}[\"']?base64:(?P<secret>[A-Za-z0-9+/]{43}=)",
        valid=is_random,
        bad=("APP_KEY=base64:<<base64:43>>=", "  APP_KEY: 'base64:<<base64:43>>='"),
        good=("APP_KEY=", "APP_KEY=base64:", "KEY=base64:<<base64:43>>="),
    ),
    generic(
        "wifi-password",
        "A file holds the password of a wireless network",
        r"(?m)^[ \t]{0,8}(?:psk|wpa_passphrase)[ \t]{0,4}=[ \t]{0,4}[\"']?(?P<secret>[^\"'\x00\n]{8,64})",
        paths=("**/wpa_supplicant*.conf", "**/hostapd*.conf", "**/*.nmconnection", "**/system-connections/*"),
        valid=_is_kept,
        severity=Severity.MEDIUM,
        bad=('    psk="winter<<lower:6>>"',),
        good=('    #psk="very secret passphrase"', "key_mgmt=WPA-PSK"),
    ),
    generic(
        "sql-user-password",
        "An SQL script sets a user's password",
        rf"(?i:\bidentified[ \t]{{1,8}}(?:with[ \t]{{1,8}}\w{{1,40}}[ \t]{{1,8}})?by|\b(?:user|role|login)[ \t][^;\n\x00]{{1,120}}\bpassword)[ \t=]{{1,8}}'(?P<secret>{_VALUE}{{4,128}})'",
        searched=rf"(?i:\bby|password)[ \t=]{{1,8}}'{_VALUE}{{4}}",
        valid=is_password,
        bad=(
            "CREATE USER 'app'@'%' IDENTIFIED BY 'W<<alnum:9>>4';",
            "ALTER ROLE app WITH LOGIN PASSWORD 's<<alnum:9>>7';",
        ),
        good=(
            "CREATE USER 'app'@'%' IDENTIFIED BY '${PW}';",
            "ALTER ROLE app PASSWORD 'password';",
            "IDENTIFIED BY 'your_password'",
        ),
    ),
    generic(
        "htpasswd-weak-hash",
        "A file of web users holds a hash that is quickly guessed",
        r"(?m)^[^:\s#\x00]{1,64}:(?P<secret>\{SHA\}[A-Za-z0-9+/]{27}=|\$apr1\$[A-Za-z0-9./]{1,8}\$[A-Za-z0-9./]{22})",
        severity=Severity.MEDIUM,
        paths=("**/.htpasswd", "**/htpasswd", "**/*.htpasswd", "**/.htpasswd*"),
        why="Who can read it can try billions of passwords a second.",
        fix="Mount the file when the container runs, and make its hashes with bcrypt (htpasswd -B).",
        yields=False,
        bad=("admin:{SHA}<<base64:27>>=", "admin:$apr1$<<alnum:8>>$<<alnum:22>>"),
        good=("admin:$2y$10$<<alnum:53>>",),
    ),
    generic(
        "shadow-password-hash",
        "A user of the system has a password, and its hash is in the image",
        r"(?m)^[a-z_][\w-]{0,31}:(?P<secret>\$(?:1|5|6|7|y|gy|2[aby])\$[A-Za-z0-9./$=,]{20,200}):",
        severity=Severity.MEDIUM,
        paths=("etc/shadow", "etc/shadow-", "etc/master.passwd"),
        why="Who can pull the image can guess the password without a limit, and log in where a service asks for it.",
        fix="Lock the user's password (passwd -l), since nobody has to log in to a container.",
        yields=False,
        bad=("root:$6$<<alnum:16>>$<<alnum:86>>:19000:0:99999:7:::",),
        good=("root:*:19000:0:99999:7:::", "daemon:!:19000:0:99999:7:::"),
    ),
    generic(
        "cloud-refresh-token",
        "A cloud client's credentials hold a token that new ones can be got with",
        r"\"refresh_?[tT]oken\"[ \t]{0,4}:[ \t]{0,4}\"(?P<secret>[\w./=+-]{20,2000})\"",
        paths=(
            "**/gcloud/**",
            "**/application_default_credentials.json",
            "**/.azure/*",
            "**/adc.json",
            "**/.config/configstore/*",
            "**/rclone.conf",
        ),
        valid=lambda value: not is_code(value) or "/" in value,
        why=READ,
        fix=REPLACE,
        bad=('{"client_id": "x", "refresh_token": "1//0<<base64url:60>>"}',),
        good=('"refresh_token": "${REFRESH_TOKEN_OF_THE_USER}"',),
    ),
)
