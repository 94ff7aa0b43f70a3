// Command grypedb builds a database for Grype by Grype's own builder, from provider folders laid out as vunnel leaves them.
//
//	grypedb PROVIDERS DB
//
// PROVIDERS/<name>/results/*.json are enveloped records (bench/peers/layouts.py writes them); the listing with checksums
// and the state that the builder wants beside them are made here. DB becomes a folder for GRYPE_DB_CACHE_DIR.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/OneOfOne/xxhash"

	"github.com/anchore/grype/grype/db"
	"github.com/anchore/grype/grype/db/provider"
)

const schema = 6

func checksum(content []byte) string {
	return fmt.Sprintf("%016x", xxhash.Checksum64(content))
}

// state writes the listing and the state of one provider's folder, and reads them as the builder's own command does.
func state(folder string, now time.Time) (*provider.State, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "results", "*.json"))
	if err != nil {
		return nil, err
	}
	var listing []byte
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		listing = fmt.Appendf(listing, "%s  %s\n", checksum(content), filepath.Join("results", filepath.Base(path)))
	}
	if err := os.WriteFile(filepath.Join(folder, "checksums"), listing, 0o600); err != nil {
		return nil, err
	}
	document, err := json.Marshal(provider.State{
		Provider:            filepath.Base(folder),
		Version:             1,
		DistributionVersion: 1,
		Store:               "flat-file",
		Timestamp:           now,
		Listing:             &provider.File{Path: "checksums", Digest: checksum(listing), Algorithm: "xxh64"},
	})
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, "metadata.json")
	if err := os.WriteFile(path, document, 0o600); err != nil {
		return nil, err
	}
	return provider.ReadState(path)
}

func run(from, cache string) error {
	folders, err := filepath.Glob(filepath.Join(from, "*"))
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	var states provider.States
	for _, folder := range folders {
		one, err := state(folder, now)
		if err != nil {
			return err
		}
		states = append(states, *one)
	}
	out := filepath.Join(cache, fmt.Sprint(schema))
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	return db.Build(db.BuildConfig{
		SchemaVersion:      schema,
		Directory:          out,
		States:             states,
		Timestamp:          now,
		IncludeCPEParts:    []string{"a", "o", "h"},
		Hydrate:            true,
		SQLiteCacheSizeKiB: 65536,
	})
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: grypedb PROVIDERS DB")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
