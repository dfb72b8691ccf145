package cardreader_test

import (
	"strings"
	"testing"
)

// TestTracksInLinesOfTheirOwnAreOneSwipe: readers of ID TECH and others put CR behind every track unless told otherwise, and send
// track 3 with the start sentinel of track 2.
func TestTracksInLinesOfTheirOwnAreOneSwipe(t *testing.T) {
	const third, other = ";011234567890=724724?", ";" + union + "=30122010000000?"
	one := "411111******1111 " + visa + " 3012 201"
	two := "622848******0007 " + union + " 3012 201"
	for name, c := range map[string]struct {
		parts []string
		want  string
		words string // of the first error but the last one, which is the end
	}{
		"two":                           {[]string{trackOne + "\r" + trackTwo + "\r"}, one, ""},
		"two, CR LF":                    {[]string{trackOne + "\r\n" + trackTwo + "\r\n"}, one, ""},
		"two, checked":                  {[]string{trackOne + lrc(trackOne) + "\r" + trackTwo + lrc(trackTwo) + "\r"}, one, ""},
		"two, typed":                    {typed(trackOne + "\r" + trackTwo + "\r"), one, ""},
		"three":                         {[]string{trackOne + "\r" + trackTwo + "\r" + third + "\r"}, one, ""},
		"three, typed":                  {typed(trackOne + "\r" + trackTwo + "\r" + third + "\r"), one, ""},
		"three, by its own sentinel":    {[]string{trackOne + "\r" + trackTwo + "\r+" + third[1:] + "\r"}, one, ""},
		"no track 2":                    {[]string{trackOne + "\r+" + third[1:] + "\r"}, one, ""},
		"no track 1":                    {[]string{trackTwo + "\r", "+" + third[1:] + "\r"}, one, ""},
		"track 1 was not read":          {[]string{"%E?\r" + trackTwo + "\r"}, one, ""},
		"tracks of two numbers":         {[]string{trackOne + "\r" + other + "\r"}, "", "tracks of two numbers"},
		"one line and a rest":           {[]string{trackOne + trackTwo + "\r", "+" + third[1:] + "\r"}, one, ""},
		"one line, and another at once": {[]string{trackOne + trackTwo + "\r", other + "\r"}, one + "; " + two, ""},
		"two swipes in lines":           {[]string{trackOne + "\r" + trackTwo + "\r", "1s", trackOne + "\r" + trackTwo + "\r"}, one + "; " + one, ""},
		"one line, and another swipe":   {[]string{trackOne + trackTwo + "\r", "1s", other + "\r"}, one + "; " + two, ""},
		"track 1 alone, another swipe":  {[]string{trackOne + "\r", "1s", other + "\r"}, one + "; " + two, ""},
		"track 1 alone, twice":          {[]string{trackOne + "\r" + trackOne + "\r", "1s", other + "\r"}, one + "; " + one + "; " + two, ""},
		"the second line stops":         {[]string{trackOne + "\r" + trackTwo[:9], "3s", other + "\r"}, two, "the track after the first one stops half-way"},
	} {
		t.Run(name, func(t *testing.T) {
			r := read(t, "magnetic", nil, c.parts...)
			if got := strings.Join(r.cards, "; "); got != c.want || c.words == "" && len(r.words) != 1 || !strings.Contains(r.words[0], c.words) {
				t.Errorf("got %q, want %q (%q)", got, c.want, r.words)
			}
		})
	}
}

// typed is a swipe by a slow keyboard: 10 milliseconds a key.
func typed(swipe string) (parts []string) {
	for key := range strings.SplitSeq(swipe, "") {
		parts = append(parts, key, "10ms")
	}
	return parts
}
