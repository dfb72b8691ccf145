package iso8583

import "math/rand/v2"

// Types lists one message type for every field table that the dialect has.
func (d *Dialect) Types() []string {
	list := []string{"0200"}
	for _, own := range d.byMTI {
		list = append(list, own.mti)
	}
	return list
}

// Generate fills m with a message of that type: about one field in so many, with values that they can hold, chosen
// by r alone. Nothing of it is canonical: lengths are odd and even, texts have every kind of character.
func (d *Dialect) Generate(m *Message, r *rand.Rand, mti string, oneIn int) {
	m.Reset()
	m.MTI = mti
	for n, s := range d.fields(mti) {
		if s != nil && r.IntN(oneIn) == 0 {
			s.generate(m, n, r)
		}
	}
}

func (s *fieldSpec) generate(m *Message, n int, r *rand.Rand) {
	units := s.max
	if s.prefix > 0 {
		units = r.IntN(min(s.max, 30) + 1)
		if r.IntN(100) == 0 {
			units = s.max
		}
	}
	if s.form == formPacked && s.count == countBytes {
		units &^= 1
	}
	switch s.kind {
	case numeric:
		m.Set(n, random(r, "0123456789", units))
	case signed:
		m.Set(n, random(r, "CD", 1)+random(r, "0123456789", units))
	case track:
		m.Set(n, random(r, upperDigits, units))
	case binary:
		m.SetBytes(n, []byte(random(r, "\x00\x01\x20\x30\x41\x7F\x80\xC1\xFF", units)))
	case text:
		m.Set(n, s.generateText(r, units))
	}
}

// generateText makes text of at most so many bytes, or of just so many where nothing fills it up.
func (s *fieldSpec) generateText(r *rand.Rand, units int) string {
	const plain = "0Az ~-=%^&{}\\"
	if r.IntN(3) > 0 || s.charset == charsetASCII {
		return random(r, plain, units)
	}
	wide := []rune{'中', '国', '银', '联', '　', '€', 'é', '￥'}
	if s.charset == charsetEBCDIC {
		wide = []rune{'é', 'ß', '¬', '¢', 'Å'}
	}
	var out []byte
	for left := units; left > 0; left-- {
		raw, ok := s.charset.appendRaw(nil, []byte(string(wide[r.IntN(len(wide))])))
		if s.count == countCharacters && s.prefix > 0 && ok {
			raw = raw[:1]
		}
		if !ok || len(raw) > left || r.IntN(2) == 0 {
			out = append(out, random(r, plain, 1)...)
			continue
		}
		text, _ := s.charset.appendText(nil, raw)
		if len(text) == 0 {
			out = append(out, '.')
			continue
		}
		out, left = append(out, text...), left-len(raw)+1
	}
	return string(out)
}

func random(r *rand.Rand, set string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = set[r.IntN(len(set))]
	}
	return string(b)
}

// Fill is the character that completes fixed text of a field, 0 where nothing does.
func (d *Dialect) Fill(mti string, n int) byte {
	s := d.spec(mti, n)
	if s.kind != text || s.prefix > 0 {
		return 0
	}
	c, _ := s.charset.appendText(nil, []byte{s.fill})
	return c[0]
}
