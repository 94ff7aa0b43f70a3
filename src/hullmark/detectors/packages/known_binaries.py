r"""Well-known programs and libraries that no package manager installed, recognised by file name and content.

There is no format: each entry of the table says which base names to look at, a literal that stands near the
version (it is found first, which is quick) and what the version's surroundings look like. The surroundings
are what the program's own `--version`, banner or user agent prints, so a version string of something else that
was linked in is not taken for it. A line of the table is

    name | cpe vendor:product | file names | near | pattern

In file names `[3-9]` is one number of that range, `*` anything. `{}` stands for the version in the file's own
name (`libpython3.11.so.1.0`, `libzstd.so.1.5.6`). A `~` after the name: the pattern is loose, so all its
matches must agree; a `+`: such files may be large, the literal is searched while they stream; a `=`: they are text,
while all others count only as ELF files (or Windows programs), not as notes or scripts that hold the same words.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Fact, Package

_TABLE = r"""
python | python:python | python2.7 python3.[4-16] libpython*.so.1.0 | \0{}. | \0({}\.\d+(?:(?:a|b|rc)\d+)?\+?)\0
python | python:python | python2.7 python3.[4-16] libpython*.so.1.0 | /{}. | /({}\.\d+(?:(?:a|b|rc)\d+)?\+?)\0
pypy | pypy:pypy | libpypy-c.so libpypy3-c.so libpypy3.[9-12]-c.so | [PyPy | \[PyPy (\d+\.\d+\.\d+)
node+ | nodejs:node.js | node nodejs | node.js/v | (?<![\w/-])node\.js/v(\d+\.\d+\.\d+)
node | nodejs:node.js | node nodejs | node v0. | \0node v(0\.\d+\.\d+)\0
node | nodejs:node.js | node nodejs | \0v0. | \0v(0\.\d+\.\d+)\0
node | nodejs:node.js | node nodejs | \0v4. | \0v(4\.\d+\.\d+)\0
node | nodejs:node.js | node nodejs | \0v5. | \0v(5\.\d+\.\d+)\0
node | nodejs:node.js | node nodejs | \0v6. | \0v(6\.\d+\.\d+)\0
bun+ | oven:bun | bun | Bun v | (?<!\w)Bun v(\d+\.\d+\.\d+)
bun+ | oven:bun | bun | Bun/ | (?<!\w)Bun/(\d+\.\d+\.\d+)
deno+ | deno:deno | deno | Deno/1. | (?<!-)Deno/(1\.\d+\.\d+)(?![.\d])
deno+ | deno:deno | deno | Deno/2. | (?<!-)Deno/(2\.\d+\.\d+)(?![.\d])
deno+ | deno:deno | deno | standalone | deno-[0-9a-f]{40}release/v(1\.\d+\.\d+)windows
deno+ | deno:deno | deno | .rsdeno- | \.rsdeno-(?:canary/)?[0-9a-f]{40}(1\.\d+\.\d+)(?=[a-z])
openjdk+ | oracle:openjdk | libjvm.so | JRE ( | OpenJDK [^()\0]{1,40}VM \([^()\0]{1,80}\) for [\w-]{1,40} JRE (?:\([A-Z][^()\0]{0,60}\) )?\((\d[\d._]*)
jdk+ | oracle:jdk | libjvm.so | JRE ( | HotSpot\(TM\) [^()\0]{1,40}VM \([^()\0]{1,80}\) for [\w-]{1,40} JRE \((\d[\d._]*)
nginx | f5:nginx | nginx nginx-debug | nginx version: nginx/ | nginx version: nginx/(\d+\.\d+\.\d+)
openresty | openresty:openresty | nginx openresty | nginx version: openresty/ | nginx version: openresty/(\d+(?:\.\d+){2,3})
httpd | apache:http_server | httpd apache2 httpd-prefork httpd-worker | Apache/2. | (?<!\w)Apache/(2\.\d+\.\d+)(?=[ \0])
lighttpd | lighttpd:lighttpd | lighttpd lighttpd-angel | lighttpd/ | \0lighttpd/(\d+\.\d+\.\d+)
haproxy | haproxy:haproxy | haproxy | , released 20 | version (\d+\.\d+(?:\.\d+|-(?:dev|rc)\d+))[^,\0]{0,40}, released 20\d\d
haproxy | haproxy:haproxy | haproxy | HA-Proxy version | HA-Proxy version (\d+\.\d+(?:\.\d+|-(?:dev|rc)\d+))
haproxy | haproxy:haproxy | haproxy | HAProxy version | (?<![\d.])(\d+\.\d+(?:\.\d+|-(?:dev|rc)\d+))(?:-[0-9a-z+.-]{1,40})?\0[^\0]{0,40}\0*[^\0]{0,40}HAProxy version
varnish | varnish-software:varnish_cache | varnishd | varnish- | varnish-(\d+\.\d+\.\d+) revision
squid | squid-cache:squid | squid | squid/ | \0squid/(\d+\.\d+(?:\.\d+)?)\0
envoy+ | envoyproxy:envoy | envoy | envoy_reloadable_features | \0(1\.\d{1,2}\.\d{1,2}(?:-dev)?)\0(?:[^\0]{0,90}\0){0,6}[^\0]{0,90}envoy_reloadable_features
traefik | traefik:traefik | traefik | v1. | \0v(1\.\d+\.\d+)\0
redis | redis:redis | redis-server redis-cli | 000000000\0 | (?<![\d.])(\d+\.\d+\.\d+?)(?:[a-z][\w.-]{0,62}-|[0-9a-f]{12}-)?1\d{9}0{9}\0
redis | redis:redis | redis-server redis-cli | Redis version | Redis version (\d+\.\d+\.\d+)
valkey | lfprojects:valkey | valkey-server valkey-cli | 000000000\0 | (?<![\d.])(\d+\.\d+\.\d+?)(?:[a-z][\w.-]{0,62}-|[0-9a-f]{12}-)?1\d{9}0{9}\0
memcached | memcached:memcached | memcached | memcached 1. | (?<!\w)memcached (\d+\.\d+\.\d+)
postgresql | postgresql:postgresql | postgres | PostgreSQL | (?<!\w)PostgreSQL (\d+(?:\.\d+){1,2}|\d+(?:\.\d+)?(?:alpha|beta|rc)\d+) (?:\([^)\0]{1,80}\) )?on [\w-]+(?: \([^)\0]{1,80}\))?,
postgresql | postgresql:postgresql | postgres | PostgreSQL | \0PostgreSQL (\d+(?:\.\d+)?(?:alpha|beta|rc)\d+) (?:\([^)\0]{1,80}\))?\0
postgresql | postgresql:postgresql | psql | psql (PostgreSQL) | psql \(PostgreSQL\) (\d+(?:\.\d+){0,2}(?:(?:alpha|beta|rc)\d+)?)
mariadb+ | mariadb:mariadb | mariadbd mariadb mysqld mysql | -MariaDB | (?<![\d.-])(?:5\.5\.5-)?(\d+\.\d+\.\d+)-MariaDB
mariadb+ | mariadb:mariadb | mariadbd mariadb mysqld mysql | /mariadb-1 | /mariadb-(\d+\.\d+\.\d+)[-/]
percona-xtradb-cluster+ | percona:xtradb_cluster | mysqld mysql | /Percona-XtraDB-Cluster- | /Percona-XtraDB-Cluster-(\d+\.\d+\.\d+(?:-\d+(?:\.\d+)?)?)
percona-server+ | percona:percona_server | mysqld mysql | /percona-server- | /percona-server-(\d+\.\d+\.\d+(?:-\d+)?)
percona-xtrabackup+ | percona:xtrabackup | xtrabackup | /percona-xtrabackup- | /percona-xtrabackup-(\d+\.\d+\.\d+(?:-\d+)?)
mysql-cluster+ | oracle:mysql_cluster | mysqld mysql ndbd ndbmtd ndb_mgmd | -ndb- | (?<![\d.])\d+\.\d+\.\d+-ndb-(\d+\.\d+\.\d+)
mysql-cluster+ | oracle:mysql_cluster | mysqld mysql ndbd ndbmtd ndb_mgmd | /mysql-cluster-gpl- | /mysql-cluster-gpl-(\d+\.\d+\.\d+)/
mysql+ | oracle:mysql | mysqld mysql | /mysql-8. | /mysql-(\d+\.\d+\.\d+)(?:-[a-z]+\d*)?/
mysql+ | oracle:mysql | mysqld mysql | /mysql-9. | /mysql-(\d+\.\d+\.\d+)(?:-[a-z]+\d*)?/
mysql+ | oracle:mysql | mysqld mysql | /mysql-5. | /mysql-(\d+\.\d+\.\d+)(?:-[a-z]+\d*)?/
mysql | oracle:mysql | mysql | \0mysql | \0(\d+\.\d+\.\d+)\0+mysql
mongodb+ | mongodb:mongodb | mongod mongos | \0cppdefines | (?<![\d.])(\d+\.\d+\.\d+(?:-rc\d+)?)\0+cppdefines
mongodb+ | mongodb:mongodb | mongod mongos | \0heap_size | (?<![\d.])(\d+\.\d+\.\d+(?:-rc\d+)?)\0+heap_size
mongodb+ | mongodb:mongodb | mongod mongos | \0tcmalloc | (?<![\d.])(\d+\.\d+\.\d+(?:-rc\d+)?)\0+tcmalloc
consul+ | hashicorp:consul | consul | CONSUL_VERSION: | <!-- CONSUL_VERSION: (\d+\.\d+\.\d+(?:-[\w.]+)?)\s
arangodb+ | arangodb:arangodb | arangod arangosh | [linux] | (?<![\d.])(\d+\.\d+\.\d+(?:-\d+)?) (?:enterprise )?\[linux\]
fluent-bit+ | treasuredata:fluent_bit | fluent-bit | Fluent Bit | \0(\d+\.\d+\.\d+)\0{1,3}(?:\x1b\[1m\0)?(?:%s)?Fluent Bit
mosquitto | eclipse:mosquitto | mosquitto | mosquitto version %s | \0(\d+\.\d+\.\d+)\0mosquitto version %s
chrome+ | google:chrome | chrome chromium | \0Default | \0(\d+\.\d+\.\d+\.\d+)\0Default
busybox | busybox:busybox | busybox busybox.static | BusyBox v | (?<!\w)BusyBox v(\d+\.\d+\.\d+)
bash | gnu:bash | bash | @(#)Bash version | @\(#\)Bash version (\d+\.\d+\.\d+)\(\d+\)
openssl | openssl:openssl | openssl libcrypto.so.3 libcrypto.so.1.1 libcrypto.so.1.0.0 libcrypto.so.1.0.2k libcrypto.so.10 libcrypto-*.so.1.1 libcrypto-*.so.3 | OpenSSL | (?<!\w)OpenSSL (\d+\.\d+\.\d+(?:[a-z]{1,2}|-(?:alpha|beta|pre)\d+)?)(?:-fips)?(?:-dev)? {1,2}(?:\d{1,2}|xx) [A-Zx][a-z]{2} [\dx]{4}
aws-lc | amazon:aws_libcrypto | openssl libcrypto.so libcrypto-*.so.1.1 | AWS-LC | AWS-LC (?:FIPS )?(\d+\.\d+\.\d+)\)
libressl | openbsd:libressl | openssl | LibreSSL | (?<!\w)LibreSSL (\d+\.\d+\.\d+)
curl | haxx:curl | curl | curl/ | (?<!\w)curl/(\d+\.\d+\.\d+)
libcurl | haxx:libcurl | libcurl*.so.4.*.0 | libcurl/ | (?<!\w)libcurl/(\d+\.\d+\.\d+)
perl | perl:perl | perl libperl.so libperl.so.5.*.0 | /perl | /lib/perl5?/(?:[a-z_]+/)?(5\.\d+\.\d+)[/\0]
perl | perl:perl | perl libperl.so libperl.so.5.*.0 | /perl/5. | /perl/(5\.\d+\.\d+)[/\0]
ruby | ruby-lang:ruby | ruby libruby.so.2.[3-7].[0-10] libruby.so.3.[0-5].[0-11] libruby.so.4.0.[0-5] | \0ruby | \0ruby (\d+\.\d+\.\d+(?:(?:preview|rc|dev)\d*)?)(?:p\d+)? \(\d{4}-
php | php:php | php php-cgi php-fpm phpdbg php5.6 php7.[0-4] php8.[0-6] php-fpm5.6 php-fpm7.[0-4] php-fpm8.[0-6] php-cgi7.[0-4] php-cgi8.[0-6] libphp.so libphp5.so libphp7.so libphp7.[0-4].so libphp8.[0-6].so | X-Powered-By: PHP/ | X-Powered-By: PHP/(\d+\.\d+\.\d+(?:(?:alpha|beta|RC)\d+)?)
lua | lua:lua | lua lua5.1 lua5.2 lua5.3 lua5.4 luac liblua*.so.5.*.0 | $Lua | \$Lua(?:Version)?: Lua (\d\.\d(?:\.\d+)?)
erlang | erlang:erlang/otp | beam.smp | Erlang/OTP | \0(\d+(?:\.\d+){1,4}(?:-rc\d)?)\0+Erlang/OTP \d+%s \[
erlang | erlang:erlang/otp | beam.smp | Erlang/OTP | Erlang/OTP [^\0]{1,200}\n\0+(\d+(?:\.\d+){1,4}(?:-rc\d)?)\0
erlang | erlang:erlang/otp | beam.smp erlexec | otp | /src/otp[_-](?:src_)?(\d+(?:\.\d+){1,4}(?:-rc\d)?)/erts/
julia | julialang:julia | libjulia-internal.so libjulia-internal.so.1.[6-14] libjulia-internal.so.1.[6-14].[0-11] | __init__ | __init__\0(\d+\.\d+\.\d+(?:-\w+)?)\0verify
julia | julialang:julia | libjulia-internal.so libjulia-internal.so.1.[6-14] libjulia-internal.so.1.[6-14].[0-11] | \0branch\0commit | (?<![\d.])(\d+\.\d+\.\d+(?:-\w+)?)\0branch\0commit\0
dart+ | dart:dart_software_development_kit | dart | (stable) | \0(\d+\.\d+\.\d+) \(stable\) \(
dart+ | dart:dart_software_development_kit | dart | (beta) | \0(\d+\.\d+\.\d+-\d+\.\d+\.beta) \(beta\) \(
swi-prolog | swi-prolog:swi-prolog | swipl | swipl- | swipl-(\d+\.\d+\.\d+)/
ghc | haskell:ghc | ghc | libHSghc- | libHSghc-(\d+\.\d+\.\d+)-(?:\w+-)?ghc\d
ghc | haskell:ghc | ghc | \0GHC | \0GHC (\d+\.\d+\.\d+)\0
cabal | haskell:cabal | cabal | cabal-install- | (?<![\w-])cabal-install-(\d+\.\d+(?:\.\d+){1,2})[-/\0]
cabal | haskell:cabal | cabal | Cabal- | \0Cabal-(\d+\.\d+(?:\.\d+){1,2})-
stack | haskell:stack | stack | , Git revision | Version (\d+\.\d+\.\d+), Git revision
rust | rust-lang:rust | libstd-*.so | rustc version | \(rustc version (\d+\.\d+\.\d+)
rust | rust-lang:rust | libstd-*.so | /rustc-1. | /rustc-(1\.\d+\.\d+)/library/
gcc | gnu:gcc | gcc | gcc version %s | \0(\d+\.\d+\.\d+)\0[^\0]{0,80}\0+gcc version %s
gcc | gnu:gcc | gcc | GCC: (GNU) | GCC: \(GNU\) (\d+\.\d+\.\d+)
git | git-scm:git | git | git/2. | (?<!\w)git/(\d+\.\d+\.\d+)\0
openssh | openbsd:openssh | ssh sshd sshd-session | OpenSSH_ | (?<!\w)OpenSSH_(\d+\.\d+p\d+)
bind | isc:bind | named | libisc-9. | libisc-(9\.\d+\.\d+)
unbound | nlnetlabs:unbound | unbound | unbound 1. | \0unbound (\d+\.\d+\.\d+)
dnsmasq | thekelleys:dnsmasq | dnsmasq | dnsmasq-2. | \0dnsmasq-(\d+\.\d+(?:\.\d+)?)
openvpn | openvpn:openvpn | openvpn | OpenVPN 2. | \0OpenVPN (\d+\.\d+\.\d+) [\w-]+-linux
exim | exim:exim | exim exim4 | <<eximversion>> | \0(4\.\d+(?:\.\d+)*)\0<<eximversion>>
postfix | postfix:postfix | postfix master | mail_version= | (?<!\w)mail_version=(\d+\.\d+\.\d+)
dovecot | dovecot:dovecot | dovecot | Dovecot v | \0Dovecot v(\d+\.\d+\.\d+(?:\.\d+)?)
proftpd | proftpd:proftpd | proftpd | ProFTPD Version | \0ProFTPD Version (\d+\.\d+\.\d+(?:rc\d+|[a-z])?)
vsftpd | vsftpd_project:vsftpd | vsftpd | vsftpd: version | vsftpd: version (\d+\.\d+\.\d+)
pure-ftpd | pureftpd:pure-ftpd | pure-ftpd | pure-ftpd v | \0pure-ftpd v(\d+\.\d+\.\d+)
openldap | openldap:openldap | slapd ldapsearch | $OpenLDAP: | \$OpenLDAP: (?:slapd|ldapsearch) (\d+\.\d+\.\d+)
tor | torproject:tor | tor | \0tor 0. | \0tor (0\.\d+\.\d+\.\d+)\0
stunnel | stunnel:stunnel | stunnel stunnel4 | stunnel 5. | \0stunnel (\d+\.\d+) on
coturn | coturn_project:coturn | turnserver | Coturn- | \0Coturn-(\d+\.\d+\.\d+)
keepalived | keepalived:keepalived | keepalived | Keepalived v | \0Keepalived v(\d+\.\d+\.\d+)
nmap | nmap:nmap | nmap | \0Nmap | //nmap\.org/?\0(\d+\.\d+)\0Nmap
imagemagick | imagemagick:imagemagick | magick libMagickCore-*.so.*.[0-2] | ImageMagick | \0ImageMagick (\d+\.\d+\.\d+-\d+)
ffmpeg+ | ffmpeg:ffmpeg | ffmpeg ffprobe | %s version | \0%s version n?(\d+\.\d+(?:\.\d+)?)(?![\d.])
ffmpeg | ffmpeg:ffmpeg | libav*.so.*.100 | FFmpeg version | FFmpeg version n?(\d+\.\d+(?:\.\d+)?)(?![\d.])
util-linux | kernel:util-linux | getopt mount | util-linux | \0util-linux (\d+\.\d+(?:\.\d+)?)\0
xz | tukaani:xz | xz | xz (XZ Utils) | xz \(XZ Utils\) (\d+\.\d+\.\d+)
xz | tukaani:xz | liblzma*.so.5.*.[0-19] | {} | \0({})\0
zstd | facebook:zstandard | zstd | Zstandard CLI | \0v(\d+\.\d+\.\d+)\0Zstandard CLI
zstd~ | facebook:zstandard | zstd | \0v1. | \0v(1\.\d+\.\d+)\0
zstd | facebook:zstandard | libzstd*.so.1.*.[0-10] | {} | (?<![\d.])({})\0
gzip~ | gnu:gzip | gzip | \x001. | \0(1\.\d{1,2})\0
jq~ | jqlang:jq | jq | \x001. | \0(?:jq-)?(1\.[5-9](?:\.\d)?(?:rc\d)?)\0
sqlite~ | sqlite:sqlite | sqlite3 libsqlite3.so.0.8.6 libsqlite3-*.so.0.8.6 libsqlite3.so.3.[50-53].[0-4] | 3. | \0(3\.[1-9]\d?\.\d{1,2}(?:\.\d)?)\0
sqlcipher~ | zetetic:sqlcipher | sqlcipher | 4. | [^\d]\0(4\.\d+\.\d+)\0
glibc | gnu:glibc | libc.so.6 | GNU C Library ( | GNU C Library \([^)\0]{0,80}\) (?:stable|development) release version (\d+\.\d+(?:\.\d+)?)
musl~ | musl-libc:musl | ld-musl-*.so.1 | \x001. | \0(1\.[012]\.\d{1,2})(?:-git[\w-]{1,40})?\0
zlib | zlib:zlib | libz.so.1.2.[3-13] libz.so.1.3 libz.so.1.3.[1-3] libz-*.so.1.2.[11-13] libz-*.so.1.3.1 | deflate 1. | deflate (1\.\d+(?:\.\d+){0,2}) Copyright
expat | libexpat_project:libexpat | libexpat.so.1.[6-11].[0-12] | expat_ | \0expat_(\d+\.\d+\.\d+)\0
libpng | libpng:libpng | libpng16*.so.16.*.0 | libpng version | (?<!\w)libpng version (\d+\.\d+\.\d+)
libtiff | libtiff:libtiff | libtiff*.so.5.*.0 libtiff*.so.6.*.[0-2] | LIBTIFF, Version | LIBTIFF, Version (\d+\.\d+\.\d+)
libjpeg-turbo | libjpeg-turbo:libjpeg-turbo | libjpeg*.so.62.*.0 libjpeg*.so.8.*.2 | libjpeg-turbo version | \0libjpeg-turbo version (\d+\.\d+(?:\.\d+)?)
krb5 | mit:kerberos_5 | libkrb5.so.3.3 libkrb5-*.so.3.3 | KRB5_BRAND: | KRB5_BRAND: krb5-(\d+\.\d+(?:\.\d+)?)
libgcrypt | gnupg:libgcrypt | libgcrypt.so.20.[0-5].[0-10] | This is Libgcrypt | This is Libgcrypt (\d+\.\d+\.\d+)
libssh2 | libssh2:libssh2 | libssh2*.so.1.0.1 | SSH-2.0-libssh2_ | SSH-2\.0-libssh2_(\d+\.\d+\.\d+)
libssh | libssh:libssh | libssh.so.4.[8-11].[0-9] | SSH-2.0-libssh_ | SSH-2\.0-libssh_(\d+\.\d+\.\d+)
libgit2 | libgit2:libgit2 | libgit2*.so.1.*.[0-4] | libgit2 | \0libgit2 (\d+\.\d+\.\d+)
libpcap | tcpdump:libpcap | libpcap.so.1.[8-10].[0-6] | libpcap version | \0libpcap version (\d+\.\d+\.\d+)
qt | qt:qt | libQt5Core.so.5 libQt5Core.so.5.[12-15].[0-18] libQt6Core.so.6 libQt6Core.so.6.[2-10].[0-8] | \0Qt | \0Qt (\d+\.\d+\.\d+) \(
composer= | getcomposer:composer | composer composer.phar | BRANCH_ALIAS_VERSION | const VERSION = '(\d+\.\d+\.\d+(?:-[\w.]+)?)';\s*(?:public )?const BRANCH_ALIAS_VERSION
wp-cli= | wp-cli:wp-cli | wp wp-cli.phar | wp-cli/wp-cli | wp-cli/wp-cli (\d+\.\d+\.\d+)
tini |  | tini tini-static | tini version | \0tini version (\d+\.\d+\.\d+)
erlang= | erlang:erlang/otp | OTP_VERSION | . | \A(\d+(?:\.\d+){1,5})\s*\Z
firefox= | mozilla:firefox | firefox/application.ini firefox-esr/application.ini | Name=Firefox | \nName=Firefox\n(?:[^\n\[]{0,200}\n){0,10}?Version=(\d+\.\d+(?:\.\d+){0,2})
elixir= | elixir-lang:elixir | elixir | ELIXIR_VERSION= | \nELIXIR_VERSION=(\d+\.\d+\.\d+(?:-[\w.]+)?)\n
elixir= | elixir-lang:elixir | elixir/ebin/elixir.app | vsn | \{vsn, ?"(\d+\.\d+\.\d+(?:-[\w.]+)?)"\}
rabbitmq= | vmware:rabbitmq | ebin/rabbit.app | vsn | \{vsn, ?"(\d+\.\d+\.\d+(?:-[\w.]+)?)"\}
couchdb= | apache:couchdb | ebin/couch.app | vsn | \{vsn, ?"(\d+\.\d+\.\d+(?:-[\w.]+)?)"\}
ejabberd= | process-one:ejabberd | ebin/ejabberd.app | vsn | \{vsn, ?"(\d+\.\d+(?:\.\d+)?(?:-[\w.]+)?)"\}
julia= | julialang:julia | julia/julia_version.h | JULIA_VERSION_STRING | JULIA_VERSION_STRING "(\d+\.\d+\.\d+(?:-\w+)?)"
dart= | dart:dart_software_development_kit | dart-sdk/version | . | \A(\d+\.\d+\.\d+(?:-[\w.]+)?)\s*\Z
wordpress= | wordpress:wordpress | wp-includes/version.php | $wp_version | \$wp_version\s*=\s*'(\d+\.\d+(?:\.\d+)?(?:-[\w.-]+)?)'
drupal= | drupal:drupal | core/lib/Drupal.php | VERSION | const VERSION\s*=\s*'(\d+\.\d+\.\d+(?:-[\w.]+)?)'
mediawiki= | mediawiki:mediawiki | includes/Defines.php | MW_VERSION | define\(\s*'MW_VERSION',\s*'(\d+\.\d+\.\d+(?:-[\w.]+)?)'
tomcat= | apache:tomcat | RELEASE-NOTES | Apache Tomcat Version | (?<!\S)Apache Tomcat Version (\d+\.\d+\.\d+(?:[.-]M\d+)?)\s
nextcloud= | nextcloud:nextcloud_server | nextcloud/version.php html/version.php | OC_VersionString | \$OC_VersionString\s*=\s*'(\d+\.\d+\.\d+)'
"""
_BEFORE, _AFTER = 256, 1024
_MAX_TRIES = 500
_RANGE = re.compile(r"\[(\d+)-(\d+)\]")
_NAME_VERSION = re.compile(r"\.so\.(\d+(?:\.\d+)+)$|(\d+\.\d+)m?(?:\.so\.1\.0)?$")
_RELEASE_FIELD = re.compile(r'^([A-Z_]+)="([^"\n]*)"\s*$', re.MULTILINE)
_GO_RELEASE = re.compile(r"go(\d+(?:\.\d+)*(?:(?:beta|rc)\d+)?)")


class Known(NamedTuple):
    """One line of the table."""

    name: str
    cpe: str
    files: tuple[str, ...]
    near: str
    pattern: str
    loose: bool
    large: bool
    text: bool


def _names(text: str) -> Iterator[str]:
    """Write out the number ranges of one file name."""
    found = _RANGE.search(text)
    if found is None:
        yield text
        return
    for number in range(int(found[1]), int(found[2]) + 1):
        yield from _names(f"{text[: found.start()]}{number}{text[found.end() :]}")


def _table() -> Iterator[Known]:
    for line in _TABLE.strip().split("\n"):
        name, cpe, files, near, pattern = line.split(" | ", 4)
        yield Known(
            name=name.rstrip("~+="),
            cpe=cpe,
            files=tuple(part for text in files.split() for part in _names(text)),
            near=near.replace("\\0", "\0").replace("\\x00", "\0"),
            pattern=pattern,
            loose=name.endswith("~"),
            large=name.endswith("+"),
            text=name.endswith("="),
        )


KNOWN = tuple(_table())


def _index(known: Iterable[Known]) -> tuple[dict[str, list[Known]], list[tuple[str, Known]]]:
    literal: dict[str, list[Known]] = {}
    wild: list[tuple[str, Known]] = []
    for entry in known:
        for name in entry.files:
            if "*" in name:
                wild.append((name, entry))
            else:
                literal.setdefault(name.rpartition("/")[2], []).append(entry)
    return literal, wild


_LITERAL, _WILD = _index(KNOWN)


def read(file: File) -> Iterator[Fact]:
    """Give the program or library that the file is, where its content says so too."""
    if file.name == "release":
        yield from _java(file)
        return
    if file.name == "VERSION":
        yield from _go(file)
        return
    large = False
    program = file.body[:4] == b"\x7fELF" or file.body[:2] == b"MZ"
    for known in _candidates(file):
        if not (program or known.text):
            continue
        if not file.whole and not known.large:
            large = True
            continue
        version = _version(file, known)
        if version:
            yield Package(
                ecosystem="generic", name=known.name, version=version, origin="binary", cpe=known.cpe
            )
            return
    if large and program:
        yield file.unread("too large to be searched for its version", kind="file")


def _candidates(file: File) -> Iterator[Known]:
    path = f"/{file.path}"
    for known in _LITERAL.get(file.name, ()):
        if any(path.endswith(f"/{name}") for name in known.files):
            yield known
    for pattern, known in _WILD:
        head, *rest = pattern.split("*")
        if file.name.startswith(head) and _in_order(file.name[len(head) :], rest):
            yield known


def _in_order(text: str, parts: list[str]) -> bool:
    """Tell whether the text is anything, first part, anything, second part … up to its end."""
    for part in parts[:-1]:
        _, found, text = text.partition(part)
        if not found:
            return False
    return text.endswith(parts[-1])


def _version(file: File, known: Known) -> str:
    """Look around each place of the entry's literal; where the pattern is loose, all places must agree."""
    near, pattern = known.near, known.pattern
    if "{}" in near or "{}" in pattern:
        own = _NAME_VERSION.search(file.name)
        if own is None:
            return ""
        text = own[1] or own[2]
        near, pattern = near.replace("{}", text), pattern.replace("{}", re.escape(text))
    literal, search = near.encode(), re.compile(pattern.encode())
    found: set[bytes] = set()
    body = file.body if file.whole else file.excerpts.get(literal, b"")
    at, tries = body.find(literal), 0
    while at >= 0 and tries < _MAX_TRIES:
        window = body[max(0, at - _BEFORE) : at + _AFTER]
        if known.loose:
            found.update(search.findall(window))
            at = body.find(literal, at + 1)
        else:
            match = search.search(window)
            if match:
                return match[1].decode("ascii", "replace")
            at = body.find(literal, at + len(literal))
        tries += 1
    return found.pop().decode("ascii", "replace") if len(found) == 1 else ""


def _java(file: File) -> Iterator[Fact]:
    """Read the `release` file of a Java runtime (JEP 223's JAVA_VERSION and its like)."""
    fields = dict(_RELEASE_FIELD.findall(file.text()[:65536]))
    version = fields.get("JAVA_VERSION", "")
    if not version:
        return
    vendor = fields.get("IMPLEMENTOR", "")
    oracle = vendor == "Oracle Corporation" and fields.get("BUILD_TYPE") == "commercial"
    name, cpe = ("jdk", "oracle:jdk") if oracle else ("openjdk", "oracle:openjdk")
    yield Package(ecosystem="generic", name=name, version=version, vendor=vendor, cpe=cpe)
    graal = fields.get("GRAALVM_VERSION", "")
    if graal:
        yield Package(ecosystem="generic", name="graalvm", version=graal, vendor=vendor, cpe="oracle:graalvm")


def _go(file: File) -> Iterator[Fact]:
    """Read the VERSION file of a Go tree: its standard library's source, and the commands built from it."""
    found = _GO_RELEASE.match(file.text()[:200])
    if found:
        for name in ("stdlib", "toolchain"):
            yield Package(ecosystem="golang", name=name, version=found[1])


DETECTOR = Detector(
    name="known_binaries",
    version=3,
    wants=(
        "**/release",
        "**/VERSION",
        *dict.fromkeys(f"**/{name}" for known in KNOWN for name in known.files),
    ),
    read=read,
    max_bytes=64 * 1024 * 1024,
    markers=tuple(dict.fromkeys(known.near.encode() for known in KNOWN if known.large)),
    excerpt_bytes=4096,
)
