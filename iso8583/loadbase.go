package iso8583

import (
	"cmp"
	"maps"

	"github.com/BurntSushi/toml"
)

// deepestBase is how many presets may stand on one another.
const deepestBase = 4

// read decodes a dialect file over its base. What the file says wins key by key, within fields, overrides and answers,
// too; its transactions replace those of the same name, and its lists replace lists.
func (l *loader) read(text []byte) error {
	if err := l.readBase(text); err != nil {
		return err
	}
	meta, err := l.over(text)
	l.from.note(meta, "")
	if err != nil {
		return l.syntax(text, err)
	}
	l.unknownKeys(text, meta)
	return nil
}

// readBase decodes the presets that the file stands on, the lowest first.
func (l *loader) readBase(text []byte) error {
	var chain [][]byte
	var names []string
	for len(chain) <= deepestBase {
		var file struct {
			Base string `toml:"base"`
		}
		if _, err := toml.Decode(string(text), &file); err != nil || file.Base == "" {
			break // a mistake is found again when the whole file is decoded
		}
		var err error
		if text, err = presetText(file.Base); err != nil {
			l.fault("base", "%v", err)
			return l.err()
		}
		chain, names = append(chain, text), append(names, file.Base)
	}
	if len(chain) > deepestBase {
		l.fault("base", "more than %d presets stand on one another", deepestBase)
		return l.err()
	}
	for i := len(chain) - 1; i >= 0; i-- {
		meta, err := l.over(chain[i])
		if err != nil {
			return err
		}
		l.from.note(meta, names[i])
	}
	return nil
}

// over decodes text over what is there.
func (l *loader) over(text []byte) (toml.MetaData, error) {
	base := l.raw
	l.raw.Fields, l.raw.Override, l.raw.Answers, l.raw.Sub, l.raw.DropTransactions = nil, nil, nil, nil, nil
	l.raw.Transaction = maps.Clone(base.Transaction)
	l.raw.Frame.Request.Words = maps.Clone(base.Frame.Request.Words)
	meta, err := toml.Decode(string(text), &l.raw)
	if err != nil {
		return meta, err
	}
	own := l.raw.Override
	l.from.subs = len(l.raw.Sub)
	l.dropped(base.Transaction, meta)
	l.raw.Sub = overlaySubs(base.Sub, l.raw.Sub)
	l.raw.Fields = merge(base.Fields, l.raw.Fields, overlay)
	l.raw.Answers = merge(base.Answers, l.raw.Answers, overlayAnswer)
	l.raw.Override = merge(base.Override, own, func(base, own map[string]fieldFile) map[string]fieldFile {
		return merge(base, own, overlay)
	})
	return meta, nil
}

// merge lays own over base; both says what becomes of a key that both have.
func merge[V any](base, own map[string]V, both func(base, own V) V) map[string]V {
	out := maps.Clone(base)
	if out == nil {
		return own
	}
	for key, v := range own {
		if old, ok := base[key]; ok {
			v = both(old, v)
		}
		out[key] = v
	}
	return out
}

// overlay gives what a field leaves open the value of the one below it.
func overlay(base, own fieldFile) fieldFile {
	return fieldFile{
		Name:    cmp.Or(own.Name, base.Name),
		ZH:      cmp.Or(own.ZH, base.ZH),
		Format:  cmp.Or(own.Format, base.Format),
		Numbers: cmp.Or(own.Numbers, base.Numbers),
		Text:    cmp.Or(own.Text, base.Text),
		Lengths: cmp.Or(own.Lengths, base.Lengths),
		Count:   cmp.Or(own.Count, base.Count),
		Binary:  cmp.Or(own.Binary, base.Binary),
		Charset: cmp.Or(own.Charset, base.Charset),
		Align:   cmp.Or(own.Align, base.Align),
		Pad:     cmp.Or(own.Pad, base.Pad),
		Fill:    cmp.Or(own.Fill, base.Fill),
		Class:   cmp.Or(own.Class, base.Class),
		Holds:   cmp.Or(own.Holds, base.Holds),
	}
}

func overlayAnswer(base, own answerFile) answerFile {
	return answerFile{Action: cmp.Or(own.Action, base.Action), ZH: cmp.Or(own.ZH, base.ZH), EN: cmp.Or(own.EN, base.EN)}
}
