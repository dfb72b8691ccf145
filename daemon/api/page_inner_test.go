package api

import (
	"os"
	"regexp"
	"testing"
)

func TestThePageListsEveryRouteAndWhoMayAskForIt(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := regexp.MustCompile("(?m)^\\| ([A-Z]+) \\| `([^`]+)` \\| (\\w+) \\|").FindAllStringSubmatch(string(page), -1)
	routes := (&API{}).table()
	if len(listed) != len(routes) {
		t.Fatalf("the page lists %d routes, there are %d", len(listed), len(routes))
	}
	for i, r := range routes {
		if row := listed[i]; row[1] != r.method || row[2] != r.path || row[3] != string(r.scope) {
			t.Errorf("row %d is %v, want %s %s for %s", i+1, row[1:], r.method, r.path, r.scope)
		}
	}
}
