package porttest

import (
	"os"
	"strings"
	"testing"
)

// Page holds the table of a page, which begins with head, against the rows that it should have.
func Page(t testing.TB, file, head string, rows []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), head+"\n")
	rule, table, _ := strings.Cut(table, "\n")
	table, _, _ = strings.Cut(table, "\n\n")
	if want := strings.Join(rows, "\n"); !found || !strings.HasPrefix(rule, "|---") || strings.TrimSpace(table) != want {
		t.Errorf("the table of %s should be\n%s\n|---\n%s", file, head, want)
	}
}
