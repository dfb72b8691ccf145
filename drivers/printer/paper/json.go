package paper

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"image/png"
	"io"

	"posd/drivers/printer/escpos"
)

// The shapes of the JSON.
type (
	jsonPrint struct {
		Dots   int         `json:"dots"`
		Slips  []jsonSlip  `json:"slips"`
		Events []jsonEvent `json:"events"`
	}
	jsonSlip struct {
		Lines []jsonLine `json:"lines"`
		Cut   escpos.Cut `json:"cut,omitempty"`
	}
	jsonLine struct {
		Offset   int           `json:"offset"`
		Height   int           `json:"height,omitempty"`
		Feed     int           `json:"feed,omitempty"`
		Runs     []Run         `json:"runs,omitempty"`
		Pictures []jsonPicture `json:"pictures,omitempty"`
		Symbol   *jsonSymbol   `json:"symbol,omitempty"`
	}
	jsonPicture struct {
		X      int    `json:"x"`
		Width  int    `json:"width"`
		Height int    `json:"height"`
		PNG    []byte `json:"png"`
	}
	jsonSymbol struct {
		Kind   string `json:"kind"`
		Data   string `json:"data"`
		Module int    `json:"module"`
		Height int    `json:"height,omitempty"`
		Level  string `json:"level,omitempty"`
	}
	jsonEvent struct {
		Offset  int              `json:"offset"`
		Kind    escpos.EventKind `json:"kind"`
		Command string           `json:"command,omitempty"`
		Args    string           `json:"args,omitempty"` // hex, the first bytes
		Note    string           `json:"note,omitempty"`
	}
)

// JSON writes a print with its places, pictures and events.
func JSON(w io.Writer, p escpos.Print) error {
	out := jsonPrint{Dots: p.Dots, Slips: []jsonSlip{}, Events: []jsonEvent{}}
	for _, s := range p.Slips {
		slip := jsonSlip{Lines: []jsonLine{}, Cut: s.Cut}
		for _, l := range s.Lines {
			line, err := lineJSON(l)
			if err != nil {
				return err
			}
			slip.Lines = append(slip.Lines, line)
		}
		out.Slips = append(out.Slips, slip)
	}
	for _, e := range p.Events {
		out.Events = append(out.Events, jsonEvent{e.Offset, e.Kind, e.Command, hex.EncodeToString(e.Args), e.Note})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func lineJSON(l escpos.Line) (jsonLine, error) {
	out := jsonLine{Offset: l.Offset, Height: l.Height, Feed: l.Feed, Runs: Runs(l)}
	for _, p := range l.Pictures {
		var b bytes.Buffer
		if err := png.Encode(&b, p.Image); err != nil {
			return out, err
		}
		out.Pictures = append(out.Pictures, jsonPicture{p.X, p.Image.Rect.Dx(), p.Image.Rect.Dy(), b.Bytes()})
	}
	if s := l.Symbol; s != nil {
		out.Symbol = &jsonSymbol{s.Kind, s.Data, s.Module, s.Height, s.Level}
	}
	return out, nil
}
