package printer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"posd/drivers/port"
	"posd/drivers/printer/profile"
)

// Questions of GS I, which are answered with a text.
const (
	askModel    = 67 // the model's name
	askLanguage = 69 // which two-byte characters there are; only models that may have some answer
)

// identity is what a printer says that it is. Its owner is the printer's.
type identity struct {
	unasked  []byte // questions that were not asked yet
	awaited  []byte // those that may still be answered
	model    string
	language string
	mismatch Mismatch
}

// questions are all that were not asked yet, as commands.
func (i *identity) questions() (all []byte) {
	for _, n := range i.unasked {
		all = append(all, i.question(n)...)
	}
	return all
}

// question is one of them.
func (i *identity) question(n byte) []byte {
	i.unasked = slices.DeleteFunc(slices.Clone(i.unasked), func(q byte) bool { return q == n })
	i.awaited = append(i.awaited, n)
	return []byte{0x1D, 'I', n}
}

// hear takes an answer. They come in the order of the questions, but not all come.
func (i *identity) hear(text string) {
	if len(i.awaited) == 0 {
		return
	}
	n := i.awaited[0]
	if isLanguage(text) && slices.Contains(i.awaited, askLanguage) {
		n = askLanguage
	}
	i.awaited = i.awaited[slices.Index(i.awaited, n)+1:]
	if n == askLanguage {
		i.language = text
	} else {
		i.model = text
	}
}

// learn asks the printer what the profile does not say, and what is to be known before something is printed.
func (p *epson) learn(ctx context.Context) error {
	if p.unnamed {
		known, ok, err := p.recognise(ctx)
		if err != nil {
			return err
		}
		p.unnamed = false
		if ok {
			p.become(known)
		}
	}
	if p.wide != profile.WideAsk {
		return nil
	}
	err := p.inform(ctx, askLanguage)
	if err == nil {
		p.wide = wideOf(p.who.language)
	}
	return err
}

// recognise finds the profile of a printer. A name is more than VID:PID, which makers share with the chips that they use.
func (p *epson) recognise(ctx context.Context) (known *profile.Profile, ok bool, err error) {
	id, usb := plugged(ctx, p.conn)
	if known, ok = profile.Match(id, ""); ok {
		return known, ok, nil
	}
	if err := p.inform(ctx, askModel); err != nil {
		return nil, false, err
	}
	if known, ok = profile.Match("MDL:"+p.who.model, ""); ok {
		return known, ok, nil
	}
	known, ok = profile.Match("", usb)
	return known, ok, nil
}

// plugged is what the system's driver knows of a printer: its IEEE 1284 id and VID:PID, empty where it does not.
func plugged(ctx context.Context, c port.Conn) (id, usb string) {
	pp, ok := c.(port.PrinterPort)
	if !ok {
		return "", ""
	}
	id, err := pp.DeviceID(ctx)
	if err != nil {
		id = "" // the stream of bytes will say it if the printer is gone
	}
	if usb, err = pp.Product(ctx); err != nil {
		usb = ""
	}
	return id, usb
}

// inform asks a question and waits for the answer, which does not come from all printers; ESC @ clears what they may have taken
// for text.
func (p *epson) inform(ctx context.Context, n byte) error {
	if !p.answers || !slices.Contains(p.who.unasked, n) {
		return nil
	}
	err := p.send(ctx, slices.Concat(p.who.question(n), p.fresh()))
	if err == nil {
		err = p.pump(ctx, probeWait, func() bool { return !slices.Contains(p.who.awaited, n) })
	}
	if broken(err) || ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	p.who.awaited = nil
	return nil
}

// askAside asks what only serves to find a wrong profile, of a printer whose way to confirm is known. Answers that are no texts
// look like those to a fence: where there are fences, they are waited for a moment.
func (p *epson) askAside(ctx context.Context, questions []byte) error {
	if len(questions) == 0 {
		return nil
	}
	err := p.send(ctx, append(questions, p.fresh()...))
	if err == nil && p.confirm != "process" {
		err = p.pump(ctx, drainWait, func() bool { return len(p.who.awaited) == 0 })
	}
	if broken(err) || ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	return nil
}

// judge holds what the printer has said against its profile, when a slip is on paper: what was asked before it has been answered,
// or never will be.
func (p *epson) judge() {
	p.who.awaited = nil
	p.who.mismatch = mismatchOf(p.profile, p.who)
	if p.wide == profile.GB18030 && wideOf(p.who.language) == profile.GB2312 {
		p.wide = profile.GB2312 // from the next slip on, what its font lacks is drawn
	}
	if last := p.last.Load(); last != nil {
		now := *last
		now.Mismatch = p.who.mismatch
		p.last.Store(&now)
	}
}

// mismatchOf is what a printer says against its profile. It is none where two profiles print the same characters, unless both
// are those of one model: somebody may know better.
func mismatchOf(set *profile.Profile, who identity) Mismatch {
	known, named := profile.Match("MDL:"+who.model, "")
	has, sure := wideOf(who.language), isLanguage(who.language)
	if has == profile.GB2312 {
		has = profile.GB18030 // of which it is a part
	}
	if named && !sure && len(who.unasked) == 0 {
		has, sure = known.Wide, true
		if has == profile.WideAsk {
			has = profile.WideNone // it has not answered
		}
	}
	two := set.Wide != profile.WideNone && set.Wide != profile.WideAsk
	switch {
	case two && sure && has != set.Wide && named:
		return Mismatch{Says: who.model, Set: set.Name, Fits: known.Name}
	case two && sure && has != set.Wide:
		return Mismatch{Says: who.language, Set: set.Name, Fits: withCharacters(has, set.Columns)}
	case named && set.Model != "" && known != set:
		return Mismatch{Says: who.model, Set: set.Name, Fits: known.Name}
	default:
		return Mismatch{}
	}
}

// withCharacters is a profile for a printer of which only its two-byte characters are known. What the one for all others lacks
// is drawn.
func withCharacters(wide profile.Wide, columns int) string {
	const narrow = 36 // columns of 58 mm paper, at most
	switch {
	case wide == profile.GB18030 && columns <= narrow:
		return "chinese-58"
	case wide == profile.GB18030:
		return "chinese-80"
	default:
		return "default"
	}
}

// languages are the words of answers to GS I 69, "font of language": CHINA GB2312, CHINA GB18030, TAIWAN BIG-5, KANJI JAPANESE,
// KOREA C-5601C, THAI 3 PASS.
var languages = []struct {
	word string
	wide profile.Wide
}{
	{"GB2312", profile.GB2312},
	{"CHINA", profile.GB18030},
	{"GB", profile.GB18030},
	{"BIG", profile.Big5},
	{"KANJI", profile.ShiftJIS},
	{"JAPAN", profile.ShiftJIS},
	{"KOREA", profile.EUCKR},
	{"THAI", profile.WideNone},
}

// wideOf reads an answer to GS I 69.
func wideOf(language string) profile.Wide {
	language = strings.ToUpper(language)
	for _, known := range languages {
		if strings.Contains(language, known.word) {
			return known.wide
		}
	}
	return profile.WideNone
}

// isLanguage tells an answer to GS I 69 from a model's name.
func isLanguage(text string) bool {
	first, _, _ := strings.Cut(strings.ToUpper(text), " ")
	return slices.Contains([]string{"CHINA", "TAIWAN", "KANJI", "JAPAN", "KOREA", "THAI"}, first)
}
