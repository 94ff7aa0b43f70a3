// Writes the part of containerd's metadata database that test_containerd.py reads, with the real bbolt:
//
//	go mod init meta && go get go.etcd.io/bbolt && go run meta_db.go meta.db DIGEST && gzip -9n meta.db
//
// DIGEST is that of the image which the test makes. The many other images make the tree grow branch pages, the
// long name an overflow page.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	bolt "go.etcd.io/bbolt"
)

func put(tx *bolt.Tx, namespace, name, digest string) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte("v1"))
	for _, key := range []string{namespace, "images", name, "target"} {
		if err != nil {
			return err
		}
		bucket, err = bucket.CreateBucketIfNotExists([]byte(key))
	}
	if err != nil {
		return err
	}
	if err := bucket.Put([]byte("digest"), []byte(digest)); err != nil {
		return err
	}
	if err := bucket.Put([]byte("mediatype"), []byte("application/vnd.oci.image.manifest.v1+json")); err != nil {
		return err
	}
	return bucket.Put([]byte("size"), binary.AppendVarint(nil, 1234))
}

func main() {
	db, err := bolt.Open(os.Args[1], 0o600, &bolt.Options{PageSize: 4096})
	if err != nil {
		panic(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for number := 0; number < 400; number++ {
			name := fmt.Sprintf("docker.io/library/other-%03d:1", number)
			if err := put(tx, "k8s.io", name, fmt.Sprintf("sha256:%064d", number)); err != nil {
				return err
			}
		}
		for _, name := range []string{"docker.io/library/app:1", "host.de/app@" + os.Args[2]} {
			if err := put(tx, "k8s.io", name, os.Args[2]); err != nil {
				return err
			}
		}
		if err := put(tx, "default", "host.de/"+strings.Repeat("long/", 1200)+"x:1", os.Args[2]); err != nil {
			return err
		}
		return put(tx, "moby", "host.de/only-here:1", os.Args[2])
	})
	if err != nil {
		panic(err)
	}
	// a second transaction, so that the newer of the two meta pages must be found
	err = db.Update(func(tx *bolt.Tx) error { return put(tx, "default", "docker.io/library/app:1", os.Args[2]) })
	if err != nil {
		panic(err)
	}
	if err := db.Close(); err != nil {
		panic(err)
	}
}
