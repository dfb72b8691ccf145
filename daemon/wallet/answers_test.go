package wallet_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"posd/daemon/wallet"
	_ "posd/daemon/wallet/brands"
)

var update = flag.Bool("update", false, "write the pages of answers anew")

// answersPage writes the tables of a wallet.
func answersPage(brand wallet.Brand) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What %s's answers mean to posd %s的应答\n\nWritten from the tables that posd itself uses "+
		"(`go test ./daemon/wallet -update`); [what the classes mean](../ANSWERS.md).\n\n", brand.NameEN, brand.NameZH)
	for _, a := range brand.Answers {
		for _, t := range a.Tables {
			fmt.Fprintf(&b, "## %s: %s\n\n| %s | %s | class | why |\n|---|---|---|---|\n", a.Title, t.Call, a.Code, a.Sub)
			for _, r := range t.Table {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", word(r.Code), word(r.Sub), r.Class, r.Why)
			}
			b.WriteString("\n")
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func word(s string) string {
	switch s {
	case "":
		return "(none)"
	case "*":
		return "*"
	}
	return "`" + s + "`"
}

func TestThePagesOfAnswersAreThoseOfTheTables(t *testing.T) {
	for _, brand := range wallet.Brands() {
		page, want := filepath.Join(brand.Name, "ANSWERS.md"), answersPage(brand)
		if *update {
			if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(page)
		if err != nil || string(got) != want {
			t.Errorf("%s is not what the tables say (%v); go test ./daemon/wallet -update, and look at the difference", page, err)
		}
	}
}

// answersLinks is the list of pages in the page of classes, which lists nothing else in this form.
var answersLinks = regexp.MustCompile(`(?m)(^- \[.+/ANSWERS\.md\)\n)+`)

func TestThePageOfClassesNamesThePageOfEachWallet(t *testing.T) {
	page, err := os.ReadFile("ANSWERS.md")
	if err != nil {
		t.Fatal(err)
	}
	var links strings.Builder
	for _, brand := range wallet.Brands() {
		fmt.Fprintf(&links, "- [%s %s](%s/ANSWERS.md)\n", brand.NameEN, brand.NameZH, brand.Name)
	}
	want := answersLinks.ReplaceAllLiteralString(string(page), links.String())
	if *update {
		if err := os.WriteFile("ANSWERS.md", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(page) != want || !strings.Contains(want, links.String()) {
		t.Error("ANSWERS.md does not list each wallet's page; go test ./daemon/wallet -update, and look at the difference")
	}
}

func TestThePageOfClassesKnowsEachClass(t *testing.T) {
	page, err := os.ReadFile("ANSWERS.md")
	if err != nil {
		t.Fatal(err)
	}
	for c := wallet.ClassUnknown; c <= wallet.ClassRetryReverse; c++ {
		if !strings.Contains(string(page), "\n| "+c.String()+" ") {
			t.Errorf("%s is not explained", c)
		}
	}
}
