// Command trivydb builds a database for Trivy from a folder laid out as trivy-db's own sources want it.
//
//	trivydb SOURCES CACHE
//
// SOURCES holds what bench/peers/layouts.py wrote. Every folder in it that a reader of trivy-db knows is read by that
// reader; osv/ is read by its OSV reader. CACHE becomes a folder for `trivy --cache-dir`.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/ecosystem"
	"github.com/aquasecurity/trivy-db/pkg/metadata"
	"github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/aquasecurity/trivy-db/pkg/vulndb"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/alma"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/alpine"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/bundler"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/composer"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/debian"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/govulndb"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/osv"
)

const openSource types.SourceID = "osv"

var sources = map[string]vulnsrc.VulnSrc{
	"vuln-list/alpine":        alpine.NewVulnSrc(),
	"vuln-list/alma":          alma.NewVulnSrc(),
	"vuln-list-debian":        debian.NewVulnSrc(),
	"ruby-advisory-db":        bundler.NewVulnSrc(),
	"php-security-advisories": composer.NewVulnSrc(),
	"govulndb":                govulndb.NewVulnSrc(),
	"osv":                     languages(),
	"rustsec":                 crates{},
}

// languages reads OSV documents as trivy-db reads those of GitHub: one bucket for each ecosystem.
func languages() vulnsrc.VulnSrc {
	named := map[ecosystem.Type]types.DataSource{}
	for _, kind := range []ecosystem.Type{
		ecosystem.Pip, ecosystem.Npm, ecosystem.Maven, ecosystem.Go, ecosystem.Cargo,
	} {
		named[kind] = types.DataSource{ID: openSource, Name: "Open Source Vulnerability", URL: "https://osv.dev/"}
	}
	return osv.New("osv", openSource, named, osv.WithTransformer(modules{}))
}

// modules leaves Go's standard library and golang.org/x to the reader of the Go database, as trivy-db's reader of
// GitHub's advisories does.
type modules struct{}

func (modules) PostParseAffected(advisory osv.Advisory, _ osv.Affected) (osv.Advisory, error) {
	return advisory, nil
}

func (modules) TransformAdvisories(advisories []osv.Advisory, _ osv.Entry) ([]osv.Advisory, error) {
	for number, advisory := range advisories {
		if advisory.Bucket.Ecosystem() != ecosystem.Go {
			continue
		}
		if advisory.PkgName == "stdlib" || strings.HasPrefix(advisory.PkgName, "golang.org/x/") {
			advisories[number].Bucket = nil // passed over by the reader
		}
	}
	return advisories, nil
}

// crates puts RustSec's own requirements into a bucket; trivy-db has no reader for them (it takes Rust's advisories from
// GitHub), but Trivy's detector takes patched and unaffected versions as they are.
type crates struct{}

func (crates) Name() types.SourceID { return "rustsec" }

func (crates) Update(root string) error {
	bucket := "cargo::RustSec"
	paths, err := filepath.Glob(filepath.Join(root, "rustsec", "*.json"))
	if err != nil {
		return err
	}
	client := db.Config{}
	return client.BatchUpdate(func(tx *bolt.Tx) error {
		named := types.DataSource{ID: "rustsec", Name: "RustSec", URL: "https://rustsec.org/"}
		if err := client.PutDataSource(tx, bucket, named); err != nil {
			return err
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var record struct {
				IDs, Patched, Unaffected []string
				Package                  string
			}
			if err := json.Unmarshal(content, &record); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			advisory := types.Advisory{
				VendorIDs:          record.IDs[1:],
				PatchedVersions:    record.Patched,
				UnaffectedVersions: record.Unaffected,
			}
			if len(record.Patched)+len(record.Unaffected) == 0 {
				advisory.VulnerableVersions = []string{""} // the detector's word for every version
			}
			if err := client.PutAdvisoryDetail(tx, record.IDs[0], record.Package, []string{bucket}, advisory); err != nil {
				return err
			}
			if err := client.PutVulnerabilityID(tx, record.IDs[0]); err != nil {
				return err
			}
		}
		return nil
	})
}

func run(from, cache string) error {
	out := filepath.Join(cache, "db")
	if err := db.Init(out); err != nil {
		return err
	}
	known := map[types.SourceID]vulnsrc.VulnSrc{}
	var targets []string
	for folder, source := range sources {
		if _, err := os.Stat(filepath.Join(from, folder)); err == nil {
			known[source.Name()] = source
			targets = append(targets, string(source.Name()))
		}
	}
	if err := vulndb.New(from, out, 24*time.Hour, vulndb.WithVulnSrcs(known)).Build(targets); err != nil {
		return err
	}
	client := metadata.NewClient(out)
	made, err := client.Get()
	if err != nil {
		return err
	}
	made.DownloadedAt = made.UpdatedAt // without it Trivy takes the database for a broken download
	if err := client.Update(made); err != nil {
		return err
	}
	return db.Close()
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: trivydb SOURCES CACHE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
