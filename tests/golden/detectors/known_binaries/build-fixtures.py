"""Write the fixtures of the known_binaries detector: an ELF header and the strings among which a version stands.

The surroundings were read with strings(1) in the named builds (Debian 12, Docker's official images, Node.js
20.20.2, deno 2.9.6 …). `decoys` has strings that look like a version and are none.
"""

from pathlib import Path

HERE = Path(__file__).parent
ELF = b"\x7fELF\x02\x01\x01" + bytes(57)

USUAL = {
    "usr/local/lib/libpython3.11.so.1.0": b" Jython\n\0Unknown option: -%c\0pymalloc_debug\x003.11.2\0strict\0<prefix>/lib/pythonX.X\0",
    "opt/py/lib/libpython3.12.so.1.0": b"\0WITH_NEXT_FRAMEWORK\0/opt/python/3.12.1\0EXEC_PREFIX\0",
    "usr/local/bin/python2.7": b"\0pythonpath\x002.7.18\0%.80s (%.80s) %.80s\0",
    "usr/local/bin/node": b"\0node.js instance\0[ \0]\n\n\0/json\0node.js/v20.20.2\0(delegate_) != nullptr\0",
    "usr/local/bin/deno": b"otlp-exporterOTel-OTLP-Exporter-Deno/0.80.0grpc-timeout\0denover2.9.62.9.6+e518fbdDeno/2.9.6Deno/2.9.6+e518fbde5",
    "opt/java/lib/server/libjvm.so": b"\0OpenJDK 64-Bit Server VM (25.0.3+9-LTS) for linux-amd64 JRE (25.0.3+9-LTS), built on 2026-04-21T00:00:00Z\0",
    "opt/zulu8/jre/lib/amd64/server/libjvm.so": b"\0OpenJDK 64-Bit Server VM (25.352-b08) for linux-amd64 JRE (Zulu 8.66.0.15-CA-linux64) (1.8.0_352-b08), built on\0",
    "usr/sbin/nginx": b"\0nginx version: nginx/1.25.1 (Debian)\0built with OpenSSL 3.0.9 30 May 2023\0",
    "usr/local/openresty/nginx/sbin/nginx": b"\0nginx version: openresty/1.21.4.1\0",
    "usr/local/apache2/bin/httpd": b"\0Apache/2.4.57 (Unix)\0Apache/2.4\0Apache/2\0Apache\0",
    "usr/local/sbin/haproxy": b"\0 version 2.8.3-86e043a, released 2023/09/07\0\x002023/09/07\0",
    "usr/local/bin/redis-server": b"\0err\x007.0.15\0c11-builtin\0"
    + bytes(8)
    + b"\xdfA7.0.151790282056000000000\0%llx\0",
    "data/redis-server": b"\0\xdf@4.0.11841ce7054bd9-1542359302000000000\0",
    "usr/local/bin/valkey-server": b"\x002.6.0\x003.2.0\0valkey9.0.0buildkitsandbox-1764887574000000000\0",
    "usr/local/bin/postgres": b"\0PostgreSQL 15.1 (Debian 15.1-1.pgdg110+1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 10.2.1) 10.2.1, 64-bit\0",
    "opt/pg/bin/postgres": b"?PostgreSQL 9.6.24 on x86_64-pc-linux-gnu (Debian 9.6.24-1.pgdg90+1), compiled by gcc\0",
    "usr/sbin/mariadbd": b"\x0010.11.19-MariaDB\0x86_64\0debian-linux-gnu\0%s  Ver %s for %s on %s (%s)\0",
    "usr/sbin/mysqld": b"\0/export/home/pb2/build/sb_0-26781090-1516292385.58/release/mysql-8.0.36/mysys/my_default.cc\0",
    "usr/bin/mongod": b"\0ver\x007.0.28\0heap_size\0",
    "usr/local/bin/memcached": b"\0memcached 1.6.18\n\0memcached 1.6.18\0",
    "usr/local/bin/php": b"\0X-Powered-By: PHP/8.2.7\0Content-type: %s\0",
    "usr/local/bin/ruby": b"\0ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64-linux]\0",
    "usr/local/bin/perl": b"\0/usr/local/lib/perl5/site_perl/5.38.2\0/usr/local/lib/perl5/5.38.2/x86_64-linux-gnu\0",
    "usr/local/bin/openssl": b"\0OpenSSL 3.1.4 24 Oct 2023\0",
    "app/psycopg2_binary.libs/libcrypto-ea28cefb.so.1.1": b"@\0OpenSSL 1.1.1w  11 Sep 2023\0platform: linux-x86_64\0",
    "opt/fips/libcrypto.so.1.0.2k": b"\0OpenSSL 1.0.2k-fips  26 Jan 2017\0",
    "usr/local/bin/curl": b"\0curl 8.4.0 (x86_64-pc-linux-gnu) %s\n\0curl/8.4.0\0libcurl/%s\0",
    "usr/local/lib/libcurl.so.4.8.0": b"\0CLIENT libcurl 8.4.0\n\0libcurl/8.4.0\0",
    "bin/busybox": b"\0BusyBox v1.36.1 (2023-12-04 19:44:32 UTC)\0/dev/tty\0",
    "bin/bash": b"\0@(#)Bash version 5.2.15(1) release GNU\0",
    "usr/lib/libz.so.1.2.13": b"\0 deflate 1.2.13 Copyright 1995-2022 Jean-loup Gailly and Mark Adler \0",
    "usr/lib/libsqlite3.so.0.8.6": b"\x08\0\0\x003.40.1\0\0\x01\0",
    "usr/lib/liblzma.so.5.6.1": b"\0\x005.6.1\0\0\0b=\xfe\xff",
    "lib/ld-musl-x86_64.so.1": b"\0/proc/self/fd/\x001.1.24\0Dynamic linker failed\0musl libc (x86_64)\nVersion %s\n\0",
    "usr/bin/gzip": b"\n\x001.12\0\0\0\x08\xb7",
    "usr/bin/beam.smp": b"\0Erlang/OTP 25%s [erts-13.1.5] [source] [64-bit] [jit:ns%s]\n\x0025.2.3\0\0",
}
DECOYS = {
    "usr/bin/node": b"\0Electron/27.0.0\0v18\0node v\0x-node.js/v1.2.3\0",
    "usr/bin/openssl": b"\0OpenSSL 1.1.1 (compatible; BoringSSL)\0OpenSSL 3.0.0 or later needed\0",
    "usr/bin/sqlite3": b"\x003.40.1\0libfoo\x003.11.0\0",
    "usr/bin/deno": b"Exporter-Deno/0.80.0\0",
    "etc/default/redis-server": b"# Redis version as installed\n",
    "usr/bin/python3.11": b"\x003.9.1\x003.110.1\0/lib/python3.11\0",
    "usr/sbin/httpd": b"\0BusyBox v1.36.1 (2023)\0compatible with Apache/2.4\0",
    "opt/notes/release": b"Release 1.2.3 of something else\n",
    "opt/app/VERSION": b"1.2.3\n",
    "usr/bin/redis-server": b"\x002.6.0\x003.2.0\0",
}
TEXTS = {
    "usr/local/tomcat/RELEASE-NOTES": b"\n                     Apache Tomcat Version 9.0.45\n                            Release Notes\n",
    "usr/local/go/VERSION": b"go1.26.8\ntime 2026-08-28T16:20:06Z\n",
    "opt/java/openjdk/release": b'IMPLEMENTOR="Eclipse Adoptium"\nJAVA_RUNTIME_VERSION="25.0.3+9-LTS"\nJAVA_VERSION="25.0.3"\nOS_NAME="Linux"\n',
    "opt/jdk8/release": b'JAVA_VERSION="1.8.0_392"\nOS_NAME="Linux"\nOS_ARCH="amd64"\n',
    "opt/graalvm/release": b'IMPLEMENTOR="GraalVM Community"\nJAVA_VERSION="17.0.7"\nGRAALVM_VERSION="22.3.2"\n',
    "usr/local/lib/erlang/releases/26/OTP_VERSION": b"26.1.2\n",
    "usr/local/lib/elixir/lib/elixir/ebin/elixir.app": b'{application,elixir,\n [{description,"elixir"},\n  {vsn,"1.14.0"},\n',
    "var/www/html/wp-includes/version.php": b"<?php\n/**\n * @global string $wp_version\n */\n$wp_version = '6.3.1';\n",
    "usr/lib/dart-sdk/version": b"3.5.2\n",
    "usr/lib/firefox/application.ini": b"[App]\nVendor=Mozilla\nName=Firefox\nRemotingName=firefox\nVersion=151.0\nBuildID=20260611122700\n",
}


def main() -> None:
    for case, files, head in (("usual", USUAL, ELF), ("decoys", DECOYS, b""), ("texts", TEXTS, b"")):
        for name, content in files.items():
            path = HERE / case / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(head + content)


if __name__ == "__main__":
    main()
