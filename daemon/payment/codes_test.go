package payment

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestACodeIsFreeAgainWhenItsAgeIsOver(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		c := &codeIndex{keep: time.Minute, used: map[[32]byte]codeUse{}}
		claim := func(code, by string) error {
			_, err := c.claim(&simInput{code: code}, Key{"till", "s", by})
			return err
		}
		for i := range 3 {
			if err := claim(fmt.Sprint("code-", i), fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(25 * time.Second)
		}
		if err := claim("code-0", "other"); err != nil { // after 75 s
			t.Error(err)
		}
		if claim("code-1", "other") == nil { // after 50 s
			t.Error("a code was taken for another attempt within its age")
		}
		if err := claim("code-2", "2"); err != nil { // a repeat, with which its age begins anew
			t.Error(err)
		}
		time.Sleep(50 * time.Second)
		if claim("code-2", "other") == nil {
			t.Error("a code was free before the age of its last use was over")
		}
		time.Sleep(11 * time.Second)
		if err := claim("code-2", "other"); err != nil || len(c.used) != 1 || len(c.order) != 1 {
			t.Errorf("%v; %d codes and %d uses are remembered, want the last", err, len(c.used), len(c.order))
		}
	})
}

func TestMoreCodesThanAreRememberedForgetTheOldest(t *testing.T) {
	c := &codeIndex{keep: time.Minute, used: map[[32]byte]codeUse{}}
	for i := range maxCodes + 2 {
		if _, err := c.claim(&simInput{code: fmt.Sprint(i)}, Key{"till", "s", fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.claim(&simInput{code: fmt.Sprint(maxCodes)}, Key{"till", "s", "other"}); err == nil {
		t.Error("a new code was forgotten before older ones")
	}
	if len(c.used) > maxCodes+1 || len(c.used) < maxCodes {
		t.Errorf("%d codes are remembered, at most %d were to be", len(c.used), maxCodes+1)
	}
}
