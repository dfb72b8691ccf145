package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var tomlBlock = regexp.MustCompile("(?s)```toml\n(.*?)```")

func TestTheBenchsPageHasAConfigurationThatPosdTakes(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "hwtest", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := tomlBlock.FindSubmatch(page)
	if block == nil {
		t.Fatal("hwtest/README.md has no posd.toml")
	}
	if said, code := checked(t, "check", shopOf(t, string(block[1]))); code != success {
		t.Errorf("posd check says of it:\n%s", said)
	}
}

var (
	codeBlock = regexp.MustCompile("(?s)```[a-z]*\n(.*?)```")
	inlineRun = regexp.MustCompile("`(?:posd|hwtest|make|bin)\\b[^`]*`")
	comment   = regexp.MustCompile(`(?m) +# .*$`)
	heading   = regexp.MustCompile(`(?m)^#+ `)
	pageLink  = regexp.MustCompile(`\]\(([^)]+)\)`)
)

// The Chinese page says the same as the English one: as many sections, the same commands, the same pages that it leads to.
func TestHouseBothReadmesHaveTheSameCommandsAndLinks(t *testing.T) {
	var pages [2]map[string][]string
	for i, file := range []string{"README.md", "README.zh.md"} {
		text, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		pages[i] = map[string][]string{}
		for _, m := range codeBlock.FindAllSubmatch(text, -1) {
			pages[i]["code"] = append(pages[i]["code"], comment.ReplaceAllString(string(m[1]), ""))
		}
		pages[i]["commands"] = inSet(inlineRun.FindAllString(string(text), -1))
		for _, m := range pageLink.FindAllSubmatch(text, -1) {
			if to := string(m[1]); to != "README.md" && to != "README.zh.md" {
				pages[i]["links"] = append(pages[i]["links"], to)
			}
		}
		pages[i]["links"] = inSet(pages[i]["links"])
		pages[i]["sections"] = heading.FindAllString(string(text), -1)
	}
	for what, english := range pages[0] {
		if chinese := pages[1][what]; !slices.Equal(english, chinese) {
			t.Errorf("%s of README.md and of README.zh.md differ:\n%q\n%q", what, english, chinese)
		}
	}
}

// inSet sorts words, each once.
func inSet(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}
