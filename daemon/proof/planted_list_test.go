//go:build proof

package proof

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// plant is one bug of testdata/planted.txt: what a careless change would look like, and who must see it.
type plant struct {
	name    string
	harness plantHarness
	words   string // what the failing harness must say: the rule or invariant
	hunks   []plantHunk
}

// plantHarness is a go test command: package, pattern of the test's name, further arguments. One of this package has the
// build tag proof.
type plantHarness struct {
	pkg, run, args string
}

func (h plantHarness) String() string { return strings.TrimSpace(h.pkg + " " + h.run + " " + h.args) }

func (h plantHarness) proof() bool { return h.pkg == "./daemon/proof" }

// plantHunk changes one place of a file, as a patch does: lines that stay begin with two spaces, lines that go with "- ",
// lines that come with "+ ".
type plantHunk struct {
	file     string // from the root of the tree
	old, new []string
}

const plantList = "testdata/planted.txt"

func readPlants() ([]plant, error) {
	text, err := os.ReadFile(plantList)
	if err != nil {
		return nil, err
	}
	return parsePlants(string(text))
}

// parsePlants reads a list. A plant begins with "bug: "; the keys after it are harness, says and file, each file with the
// hunk that follows.
func parsePlants(text string) (plants []plant, err error) {
	for n, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		if name, ok := strings.CutPrefix(line, "bug: "); ok {
			plants = append(plants, plant{name: name})
			continue
		}
		if len(plants) == 0 {
			return nil, fmt.Errorf("%s:%d: a list begins with a bug", plantList, n+1)
		}
		if err := plants[len(plants)-1].read(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", plantList, n+1, err)
		}
	}
	for _, p := range plants {
		if err := p.complete(); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", plantList, p.name, err)
		}
	}
	return plants, nil
}

// read takes one line of a plant.
func (p *plant) read(line string) error {
	if value, ok := strings.CutPrefix(line, "harness: "); ok {
		words := strings.Fields(value)
		if len(words) < 2 {
			return fmt.Errorf("harness %q: want a package and the pattern of a test's name", value)
		}
		p.harness = plantHarness{pkg: words[0], run: words[1], args: strings.Join(words[2:], " ")}
		return nil
	}
	if value, ok := strings.CutPrefix(line, "says: "); ok {
		p.words = value
		return nil
	}
	if value, ok := strings.CutPrefix(line, "file: "); ok {
		p.hunks = append(p.hunks, plantHunk{file: value})
		return nil
	}
	if len(p.hunks) == 0 || len(line) < 2 {
		return fmt.Errorf("%q is no key and stands below no file", line)
	}
	h := &p.hunks[len(p.hunks)-1]
	switch mark, rest := line[:2], line[2:]; mark {
	case "  ":
		h.old, h.new = append(h.old, rest), append(h.new, rest)
	case "- ":
		h.old = append(h.old, rest)
	case "+ ":
		h.new = append(h.new, rest)
	default:
		return fmt.Errorf("%q begins with neither two spaces, nor minus or plus and a space", line)
	}
	return nil
}

// complete tells what a plant lacks.
func (p plant) complete() error {
	switch {
	case p.harness.pkg == "":
		return fmt.Errorf("no harness must catch it")
	case p.words == "":
		return fmt.Errorf("nobody says by which words it is caught")
	case len(p.hunks) == 0:
		return fmt.Errorf("it changes nothing")
	}
	for _, h := range p.hunks {
		if len(h.old) == 0 || strings.Join(h.old, "\n") == strings.Join(h.new, "\n") {
			return fmt.Errorf("its hunk of %s changes nothing", h.file)
		}
	}
	return nil
}

// planted gives the changed text of each file, by its path below root.
func (p plant) planted(root string) (map[string]string, error) {
	texts := map[string]string{}
	for _, h := range p.hunks {
		text, read := texts[h.file]
		if !read {
			b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(h.file)))
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		old := "\n" + strings.Join(h.old, "\n") + "\n"
		if n := strings.Count(text, old); n != 1 {
			return nil, fmt.Errorf("the plant does not fit the code any more: %s has %d times\n%s", h.file, n, strings.Join(h.old, "\n"))
		}
		texts[h.file] = strings.Replace(text, old, "\n"+strings.Join(h.new, "\n")+"\n", 1)
	}
	return texts, nil
}
