//go:build proof

package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	plantLimit = 10 * time.Minute // how long one harness may take
	plantLine  = 150              // how much of what it says is shown
)

// TestPlantedBugsAreCaught changes posd as a careless hand would, one bug at a time, and runs the harness that must see
// it: it fails, and for the right reason. The harness on the tree as it is passes, else it would prove nothing.
func TestPlantedBugsAreCaught(t *testing.T) {
	plants, root := allPlants(t)
	t.Run("unchanged", func(t *testing.T) {
		for _, h := range plantHarnesses(plants) {
			t.Run(h.String(), func(t *testing.T) {
				t.Parallel()
				if out, err := h.try(t, root, nil); err != nil {
					t.Fatalf("%s fails without any bug: %v\n%s", h, err, plantTail(out))
				}
			})
		}
	})
	caught := &catches{rows: make([]string, len(plants))}
	t.Run("planted", func(t *testing.T) {
		for i, p := range plants {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				caught.note(i, p.catch(t, root))
			})
		}
	})
	t.Log(caught)
}

// allPlants gives the list and the root of the tree.
func allPlants(t *testing.T) ([]plant, string) {
	t.Helper()
	plants, err := readPlants()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return plants, root
}

// TestPlantedBugsFitTheCode is quick: who moves a line that a bug is planted in hears of it before anything else.
func TestPlantedBugsFitTheCode(t *testing.T) {
	plants, root := allPlants(t)
	for _, p := range plants {
		if _, err := p.planted(root); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

// plantHarnesses gives each harness once.
func plantHarnesses(plants []plant) (all []plantHarness) {
	for _, p := range plants {
		if !slices.Contains(all, p.harness) {
			all = append(all, p.harness)
		}
	}
	return all
}

// catches is what caught which bug. Its rows are guarded by mu.
type catches struct {
	mu   sync.Mutex
	rows []string
	n    int
}

func (c *catches) note(at int, row string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows[at] = row
	c.n++
}

func (c *catches) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := "all"
	if c.n < len(c.rows) {
		asked = fmt.Sprintf("%d not caught", len(c.rows)-c.n)
	}
	rows := slices.DeleteFunc(slices.Clone(c.rows), func(r string) bool { return r == "" })
	return fmt.Sprintf("proof | planted bugs caught | %d | %s\n%s", c.n, asked, strings.Join(rows, "\n"))
}

// catch plants the bug and gives the row of the table that tells who saw it.
func (p plant) catch(t *testing.T, root string) (row string) {
	texts, err := p.planted(root)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	out, err := p.harness.try(t, root, texts)
	if why := p.missed(out, err); why != "" {
		t.Fatalf("%s %s:\n%s", p.harness, why, plantTail(out))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %.1f s |", p.name, p.harness.pkg, plantSeen(out), p.said(out), time.Since(began).Seconds())
}

// plantDied is a harness that was ended by Go, after a panic or when its time was over: it has not seen anything. What a posd
// of its own has said stands further to the right.
var plantDied = regexp.MustCompile(`(?m)^(panic|fatal error): .*`)

// missed says why a run of the harness is no catch; it is empty for one that fails and says the words.
func (p plant) missed(out string, err error) string {
	switch {
	case err == nil:
		return "does not see it"
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return "does not compile with it"
	case plantDied.MatchString(out):
		return "dies, which is no catch: " + plantDied.FindString(out)
	case !strings.Contains(out, p.words):
		return fmt.Sprintf("fails, but not by %q", p.words)
	}
	return ""
}

// said is the line of an output that holds the words, or its beginning.
func (p plant) said(out string) string {
	for line := range strings.Lines(out) {
		if strings.Contains(line, p.words) {
			line = strings.ReplaceAll(strings.TrimSpace(line), "|", "/")
			if len(line) > plantLine {
				return line[:plantLine] + " ..."
			}
			return line
		}
	}
	return p.words
}

// try runs the harness with some files changed.
func (h plantHarness) try(t *testing.T, root string, texts map[string]string) (out string, err error) {
	t.Helper()
	args := []string{"test", "-vet=off", "-count=1", "-timeout", plantLimit.String(), "-run", h.run}
	if h.proof() {
		args = append(args, "-tags", "proof")
	}
	args = append(append(args, h.pkg), strings.Fields(h.args)...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	if len(texts) > 0 { // by the environment, so that a posd that the harness builds has the bug, too
		flags := strings.TrimSpace(os.Getenv("GOFLAGS") + " -overlay=" + plantOverlay(t, root, texts))
		cmd.Env = append(os.Environ(), "GOFLAGS="+flags)
	}
	b, err := cmd.CombinedOutput()
	if err == nil && strings.Contains(string(b), "no tests to run") {
		err = fmt.Errorf("%s matches no test", h.run)
	}
	return string(b), err
}

// plantOverlay writes the changed files and the list by which go takes them for the true ones.
func plantOverlay(t *testing.T, root string, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for file, text := range texts {
		changed := filepath.Join(dir, strings.ReplaceAll(file, "/", "+"))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, filepath.FromSlash(file))] = changed
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

var (
	plantSeed = regexp.MustCompile(`seed \d+`)
	plantFail = regexp.MustCompile(`--- FAIL: (\S+)`)
)

// plantSeen names the seed or the test that saw the bug.
func plantSeen(out string) string {
	if s := plantSeed.FindString(out); s != "" {
		return s
	}
	last := ""
	for _, m := range plantFail.FindAllStringSubmatch(out, -1) {
		if strings.HasPrefix(m[1], last) {
			last = m[1]
		}
	}
	return last
}

// plantTail is the end of a long output.
func plantTail(out string) string { return out[max(0, len(out)-3000):] }

func TestPlantedBugsThatDoNotFitAreTold(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "a.go"), []byte("package a\n\nvar x = 1\nvar y = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"- var x = 1\n+ var x = 2":               "",
		"  var x = 1\n- var y = 1\n+ var y = 2":  "",
		"- var x = 3\n+ var x = 2":               "does not fit the code any more",
		"  var y = 1\n- var x = 1\n+ var x = 2":  "does not fit the code any more",
		"- var x = 1\n+ var x = 1":               "changes nothing",
		"+ var x = 2":                            "changes nothing",
		"var x = 1":                              "neither two spaces",
		"harness: ./a\n- var x = 1\n+ var x = 2": "want a package and the pattern",
	} {
		plants, err := parsePlants("bug: b\nharness: ./a Test\nsays: c\nfile: a.go\n" + text + "\n")
		if err == nil {
			_, err = plants[0].planted(root)
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestPlantedBugsAreNotCaughtByAHarnessThatDies(t *testing.T) {
	p := plant{words: "I3:"}
	failed := errors.New("exit status 1")
	for out, want := range map[string]string{
		"    a_test.go:1: I3: paid twice\n--- FAIL: TestA":                                           "",
		"    a_test.go:1: I5: owed\n--- FAIL: TestA":                                                 "fails, but not by",
		"    a_test.go:1: I3: paid twice\npanic: nil map [recovered]":                                "dies",
		"panic: test timed out after 10m0s\n\trunning tests: TestA\nI3:":                             "dies",
		"I3:\nfatal error: all goroutines are asleep":                                                "dies",
		"    a_test.go:1: posd has ended\n        panic: I3: what posd itself said\n--- FAIL: TestA": "",
		"# posd/daemon\nI3: undefined\nFAIL\tposd/daemon [build failed]":                             "does not compile",
	} {
		if why := p.missed(out, failed); !strings.HasPrefix(why, want) || (want == "") != (why == "") {
			t.Errorf("%q: %q, want %q", out, why, want)
		}
	}
	if why := p.missed("ok I3:", nil); why != "does not see it" {
		t.Errorf("a harness that passes: %q", why)
	}
}
