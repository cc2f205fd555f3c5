package packages

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	packageurl "github.com/package-url/packageurl-go"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/tagvalue"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// parseSBOM reads the lists of packages that the role names (CycloneDX as JSON or XML, SPDX as JSON or tag-value). Of an
// ecosystem that the host has a database of, the database alone counts. It reports whether there was a list.
func parseSBOM(in snapshot.Input, r *snapshot.Result) bool {
	if len(in.Spec.SBOM) == 0 {
		return false
	}
	s := in.Sections["sbom"]
	missing := s.Problem != transport.OK || len(s.Files) == 0
	if missing {
		r.Missing(snapshot.At(in.Scope, "sbom", ""), "none of the lists of packages that the role names is there: "+strings.Join(in.Spec.SBOM, ", ")+sbomDetail(s),
			"make the list on the host, or take sbom: out of the role in envdiff.yaml", sbomCovers(r)...)
		return false
	}
	found := versions{}
	var systems []string
	unnamed := 0
	read := false
	for _, f := range s.Files {
		purls, nameless, err := readSBOM(f)
		if err != nil {
			r.Missing(snapshot.At(in.Scope, "sbom", strings.TrimPrefix(f.Path, "/")), fmt.Sprintf("%s could not be read as a list of packages: %s", f.Path, err),
				"CycloneDX is read as JSON and XML, SPDX as JSON and tag-value", sbomCovers(r)...)
			continue
		}
		read = true
		unnamed += nameless
		for _, text := range purls {
			ecosystem, name, version, ok := fromPURL(text)
			if !ok {
				unnamed++
				continue
			}
			if asked(in.Spec, ecosystem) && !hasDatabase(in, ecosystem) {
				found.put(ecosystem+"/"+name, "version", version, f.Path)
				if !slices.Contains(systems, ecosystem) {
					systems = append(systems, ecosystem)
				}
			}
		}
	}
	note(in, r, "components of an SBOM without a package URL that can be read", unnamed, "")
	found.facts(in, r, systems)
	for _, eco := range systems {
		if glob := "package/" + eco + "/*"; !slices.Contains(r.Looked, glob) && vouches(in, eco) {
			r.Looked = append(r.Looked, glob)
		}
	}
	return read
}

// databases are the sections that show whether a host has a database of an ecosystem.
var databases = map[string][]string{"deb": {"dpkg", "dpkg.d"}, "rpm": {"rpmdb"}, "apk": {"apk"}}

// hasDatabase reports whether a host has, or may have, a database of an ecosystem.
func hasDatabase(in snapshot.Input, ecosystem string) bool {
	return slices.ContainsFunc(databases[ecosystem], func(id string) bool {
		s, fetched := in.Sections[id]
		return !fetched || len(s.Files) > 0 || s.Problem != transport.OK && s.Problem != transport.NotFound
	})
}

// vouches reports whether nothing but the lists could tell of an ecosystem's packages: where a host could be searched and was not, there may be more.
func vouches(in snapshot.Input, ecosystem string) bool {
	s, fetched := in.Sections["applications"]
	if fetched && s.Problem == transport.Unable { // a directory tree
		s, fetched = in.Sections[ecosystem]
	}
	return databases[ecosystem] != nil || fetched && (s.Problem == transport.OK || s.Problem == transport.NotFound)
}

// sbomCovers is what a list that cannot be read leaves unknown: all but what the host's own databases tell.
func sbomCovers(r *snapshot.Result) []string {
	covers := []string{"sbom/*"}
	for _, eco := range slices.Sorted(maps.Values(purlTypes)) {
		glob := "package/" + eco + "/*"
		if slices.Contains(applicationEcosystems[:], eco) || !slices.Contains(r.Looked, glob) {
			covers = append(covers, glob)
		}
	}
	return covers
}

func sbomDetail(s transport.Section) string {
	if s.Problem == transport.OK || s.Problem == transport.NotFound {
		return ""
	}
	return " (" + string(s.Problem) + ")"
}

// readSBOM returns the package URLs of a list, and how many of its components have none.
func readSBOM(f transport.File) (purls []string, nameless int, err error) {
	defer func() { // the libraries meet what no list should hold
		if recover() != nil {
			purls, nameless, err = nil, 0, fmt.Errorf("it is damaged")
		}
	}()
	if f.Problem != transport.OK {
		return nil, 0, fmt.Errorf("%s", f.Problem)
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(f.Body, []byte("\xef\xbb\xbf")), " \t\r\n")
	head := text[:min(len(text), 4096)]
	switch {
	case bytes.HasPrefix(text, []byte("{")) && bytes.Contains(text, []byte(`"spdxVersion"`)):
		doc, err := spdxjson.Read(bytes.NewReader(text))
		return spdxPURLs(doc, err)
	case bytes.HasPrefix(head, []byte("SPDXVersion:")), bytes.Contains(head, []byte("\nSPDXVersion:")):
		doc, err := tagvalue.Read(bytes.NewReader(packageLines(text)))
		return spdxPURLs(doc, err)
	case bytes.HasPrefix(text, []byte("{")) && bytes.Contains(text, []byte(`"CycloneDX"`)):
		return cyclonePURLs(text, cdx.BOMFileFormatJSON)
	case bytes.HasPrefix(text, []byte("<")) && bytes.Contains(head, []byte("cyclonedx.org/schema/bom")):
		return cyclonePURLs(text, cdx.BOMFileFormatXML)
	}
	return nil, 0, fmt.Errorf("it is neither CycloneDX nor SPDX")
}

// packageTags are the lines of SPDX tag-value that name packages, and those without which a reader takes it for no SPDX.
var packageTags = []string{"SPDXVersion", "DataLicense", "SPDXID", "DocumentName", "DocumentNamespace", "Creator", "Created", "PackageName", "PackageVersion", "PackageDownloadLocation",
	"PrimaryPackagePurpose", "ExternalRef"}

// packageLines leaves out everything else, texts of many lines among them: the library takes time that grows with the square of their length.
func packageLines(text []byte) []byte {
	var kept bytes.Buffer
	inText := false
	for line := range bytes.Lines(text) {
		if inText {
			inText = !bytes.Contains(line, []byte("</text>"))
			continue
		}
		if i := bytes.Index(line, []byte("<text>")); i >= 0 {
			inText = !bytes.Contains(line[i:], []byte("</text>"))
			continue
		}
		if tag, _, ok := bytes.Cut(line, []byte(":")); ok && slices.Contains(packageTags, string(tag)) {
			kept.Write(line)
		}
	}
	return kept.Bytes()
}

func cyclonePURLs(text []byte, format cdx.BOMFileFormat) (purls []string, nameless int, err error) {
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(text), format).Decode(&bom); err != nil {
		return nil, 0, fmt.Errorf("it is no valid CycloneDX")
	}
	var walk func(list *[]cdx.Component)
	walk = func(list *[]cdx.Component) {
		if list == nil {
			return
		}
		for i := range *list {
			c := &(*list)[i]
			switch {
			case c.PackageURL != "":
				purls = append(purls, c.PackageURL)
			case c.Type == cdx.ComponentTypeLibrary || c.Type == cdx.ComponentTypeFramework:
				nameless++
			}
			walk(c.Components)
		}
	}
	walk(bom.Components)
	return purls, nameless, nil
}

func spdxPURLs(doc *spdx.Document, err error) (purls []string, nameless int, _ error) {
	if err != nil || doc == nil {
		return nil, 0, fmt.Errorf("it is no valid SPDX")
	}
	for _, p := range doc.Packages {
		if p == nil {
			continue
		}
		found := false
		for _, ref := range p.PackageExternalReferences {
			if ref != nil && ref.RefType == "purl" {
				purls, found = append(purls, ref.Locator), true
			}
		}
		if !found && p.PrimaryPackagePurpose != "OPERATING-SYSTEM" && p.PrimaryPackagePurpose != "CONTAINER" && p.PrimaryPackagePurpose != "FILE" {
			nameless++
		}
	}
	return purls, nameless, nil
}

// purlTypes are the types of package URLs and the ecosystems that they mean.
var purlTypes = map[string]string{"deb": "deb", "rpm": "rpm", "apk": "apk", "pypi": "pip", "npm": "npm", "gem": "gem", "golang": "go", "maven": "jar"}

// fromPURL reads pkg:TYPE/NAMESPACE/NAME@VERSION?QUALIFIERS: the ecosystem, the name that a package has in addresses, and its version as its own system writes it.
func fromPURL(text string) (ecosystem, name, version string, ok bool) {
	p, err := packageurl.FromString(text)
	if err != nil || p.Name == "" || p.Version == "" {
		return "", "", "", false
	}
	ecosystem, known := purlTypes[p.Type]
	if !known {
		return "", "", "", false
	}
	name, version = p.Name, p.Version
	qualifiers := p.Qualifiers.Map()
	switch ecosystem {
	case "deb":
		name = foldKernel(name)
	case "rpm":
		if epoch := qualifiers["epoch"]; epoch != "" && epoch != "0" {
			version = epoch + ":" + version
		}
	case "pip":
		name = pipName(name)
	case "npm", "go":
		if p.Namespace != "" {
			name = p.Namespace + "/" + p.Name
		}
	}
	return ecosystem, name, version, true
}
