#!/bin/sh
# Builds the databases of all cases but manifest and empty with rpm and rpmbuild 4.18 (Debian: package rpm), sqlite3 and Perl's
# DB_File. Four packages: a plain one, one with epoch, module and files, one of another source, and a public key.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SOURCE_DATE_EPOCH=1700000000 HOME="$work"

spec() { # name, lines of the preamble, lines of %files
    cat > "$work/$1.spec" <<EOF
Name: $1
Summary: A package for tests
License: MIT AND Apache-2.0
BuildArch: noarch
Vendor: Hullmark tests
$2
%description
A package for tests.
%install
mkdir -p %{buildroot}/etc %{buildroot}/usr/share/plain
echo ID=test > %{buildroot}/etc/os-release
echo plain > %{buildroot}/usr/share/plain/readme
%files
$3
EOF
    rpmbuild --quiet -bb --nodeps --define "_topdir $work/top" --define "_buildhost test" \
        --define "_unpackaged_files_terminate_build 0" --define "use_source_date_epoch_as_buildtime 1" "$work/$1.spec"
}
spec plain "Version: 1.2~rc1
Release: 3%{?dist}.el9" "/usr/share/plain/readme"
spec nodejs "Epoch: 1
Version: 18.19.0
Release: 1.module+el9
ModularityLabel: nodejs:18:9030020231201:rhel9" "/etc/os-release"
spec empty-epoch "Epoch: 0
Version: 2.0
Release: 1" ""
spec gpg-pubkey "Version: fd431d51
Release: 4ae0493b" ""

db="$work/db"
rpm --dbpath "$db" --define "_db_backend sqlite" --initdb
rpm --dbpath "$db" --define "_db_backend sqlite" --install --justdb --nodeps --noscripts --ignoreos \
    "$work"/top/RPMS/noarch/*.rpm
sqlite3 "$db/rpmdb.sqlite" "PRAGMA journal_mode=delete; PRAGMA page_size=512; VACUUM; PRAGMA journal_mode=wal;" > "$work/log"
sqlite3 "$db/rpmdb.sqlite" "SELECT hnum || ' ' || hex(blob) FROM Packages" > "$work/blobs"

for case in sqlite/var/lib/rpm ndb/usr/lib/sysimage/rpm bdb/var/lib/rpm; do mkdir -p "$here/$case"; done
cp "$db/rpmdb.sqlite" "$here/sqlite/var/lib/rpm/rpmdb.sqlite"

# The same header blobs as a Berkeley DB hash, with record 0 as rpm writes it.
perl -MDB_File -e '
    my $info = DB_File::HASHINFO->new; $info->{bsize} = 1024;
    tie my %db, "DB_File", $ARGV[0], O_RDWR | O_CREAT | O_TRUNC, 0644, $info or die $!;
    $db{pack "L<", 0} = pack "L<", 4;
    while (<STDIN>) { my ($number, $hex) = split; $db{pack "L<", $number} = pack "H*", $hex; }
    untie %db;' "$here/bdb/var/lib/rpm/Packages" < "$work/blobs"

# And as rpm's own format, which Debian's rpm cannot write: one page of slots, then blobs in blocks of 16 bytes.
python3 -c '
import struct, sys, zlib
slots, blobs = [], b""
for line in sys.stdin:
    number, text = line.split()
    blob = bytes.fromhex(text)
    data = struct.pack("<4s3I", b"BlbS", int(number), 1, len(blob)) + blob
    data += bytes(-(len(data) + 12) % 16)
    data += struct.pack("<2I4s", zlib.adler32(data), len(blob), b"BlbE")
    slots.append(struct.pack("<4s3I", b"Slot", int(number), 256 + len(blobs) // 16, len(data) // 16))
    blobs += data
head = struct.pack("<4s4I12x", b"RpmP", 0, 1, 1, len(slots) + 1) + b"".join(slots)
head += struct.pack("<4s3I", b"Slot", 0, 0, 0) * ((4096 - len(head)) // 16)
open(sys.argv[1], "wb").write(head + blobs)' "$here/ndb/usr/lib/sysimage/rpm/Packages.db" < "$work/blobs"

# Case wal: a transaction that is in the journal only. Case broken: cut short, no database at all, a version changed.
mkdir -p "$here/wal/var/lib/rpm" "$here/broken/var/lib/rpm"
python3 -c '
import shutil, sqlite3, sys
source, target = sys.argv[1:]
connection = sqlite3.connect(source)
connection.execute("DELETE FROM Packages WHERE hnum = 1")
connection.commit()
for end in "", "-wal":
    shutil.copyfile(source + end, target + end)' "$db/rpmdb.sqlite" "$here/wal/var/lib/rpm/rpmdb.sqlite"
head -c 9000 "$here/sqlite/var/lib/rpm/rpmdb.sqlite" > "$here/broken/var/lib/rpm/rpmdb.sqlite"
echo "no database" > "$here/broken/var/lib/rpm/Packages"
LC_ALL=C sed 's/18\.19\.0\x00/18.19.9\x00/' "$here/ndb/usr/lib/sysimage/rpm/Packages.db" > "$here/broken/var/lib/rpm/Packages.db"
