package scanner

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"posd/drivers/hid"
	"posd/drivers/port"
)

func init() {
	registry.Register(Driver{
		Name: "hidpos",
		For:  []port.Match{{Kind: port.Report, Page: 0x8C}},
		Doc: "Scanners in HID-POS mode (USB usage page 8C): Newland, Honeywell, Youjie, Datalogic, Zebra and others. " +
			"No recorded trace of a real device yet; the layouts are those of their manuals.",
		Options: []port.Option{
			{
				Name: "layout", Default: "auto", Values: []string{"auto", "newland", "honeywell", "datalogic", "zebra"},
				Doc: "where things stand in a report: auto reads the device's report descriptor, goes by the maker for what " +
					"that leaves out, and looks at the reports where neither tells anything",
			},
			{
				Name: "patience", Default: "500ms", Kind: port.Duration, Max: 10_000,
				Doc: "a code whose next part does not come for so long is cut off: it is refused",
			},
			{
				Name: "lines", Default: "no", Kind: port.YesNo,
				Doc: "let a code hold line ends and tabs; no refuses it, as one that was put together wrongly",
			},
			prefixOption, aimOption, repeatOption,
		},
		Open: openHIDPOS,
	})
}

// Vendor ids of USB, whose scanners' layouts are known.
var makers = map[uint16]string{
	0x1EAB: "newland", 0x0C2E: "honeywell", 0x23D0: "honeywell", 0x05F9: "datalogic", 0x05E0: "zebra",
}

// hidpos is one scanner, owned by the caller of Next.
type hidpos struct {
	intake
	conn   port.HID
	layout layout
	wake   []byte // feature report that makes the scanner send; nil for none, and once it was sent
	parts  assembly
	broken error // why the device cannot be used; nil mostly
}

var errNoHID = errors.New(`this driver needs a HID port, such as "hid:///dev/hidraw0"; a scanner on a serial port has the driver "line"`)

func openHIDPOS(c port.Conn, s port.Settings) Source {
	h := &hidpos{intake: newIntake(s), parts: assembly{patience: s.Time("patience")}}
	h.lines = s.Yes("lines")
	var ok bool
	if h.conn, ok = c.(port.HID); !ok {
		h.broken = errNoHID
		return h
	}
	info := h.conn.Info()
	if makers[info.Vendor] == "honeywell" {
		h.wake = []byte{254, 1}
	}
	h.layout, h.broken = chooseLayout(s.Text("layout"), info)
	return h
}

// chooseLayout follows the option, else the device's descriptor, else its maker, else what its reports look like.
func chooseLayout(option string, info port.HIDInfo) (layout, error) {
	if option != "auto" {
		return layouts[option], nil
	}
	maker := makers[info.Vendor]
	if len(info.Descriptor) == 0 {
		return layouts[cmp.Or(maker, "auto")], nil
	}
	d, err := hid.Parse(info.Descriptor)
	if err != nil {
		return layout{}, fmt.Errorf("%w; set the option layout", err)
	}
	l, err := layoutOf(d)
	known, ok := layouts[maker]
	switch {
	case !ok:
		return l, err
	case errors.Is(err, errUndescribed):
		return known, nil
	case err == nil:
		l.flag(d, known.more)
	}
	return l, err
}

// Usable tells at once whether the port is one for this driver.
func (h *hidpos) Usable() error { return h.broken }

func (h *hidpos) Next(ctx context.Context) (Code, error) {
	if h.broken != nil {
		return Code{}, h.broken
	}
	if h.wake != nil {
		_ = h.conn.SetFeature(ctx, h.wake) // a scanner that does not know it sends anyway
		h.wake = nil
	}
	for {
		report, err := h.report(ctx)
		if err != nil {
			return Code{}, err
		}
		if report == nil {
			continue
		}
		code, ok, err := h.code(report)
		clear(report)
		if ok || err != nil {
			return code, err
		}
	}
}

// report gives the next report that holds a part of a code, or nil.
func (h *hidpos) report(ctx context.Context) ([]byte, error) {
	wait, cancel := h.parts.limit(ctx)
	defer cancel()
	b, err := h.conn.Next(wait, port.SplitReport)
	switch {
	case err == nil && len(b) > 0 && h.layout.id != 0 && b[0] != h.layout.id:
		clear(b) // a report of something else: status, battery
		return nil, nil
	case err == nil:
		return b, nil
	case errors.Is(err, port.ErrBadFrame), errors.Is(err, port.ErrTooLong):
		h.parts.spoil(false)
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	case ctx.Err() == nil && wait.Err() != nil:
		n := h.parts.giveUp(true)
		return nil, fmt.Errorf("%w: cut off: the next part after %d bytes did not come", ErrRefused, n)
	default:
		h.parts.giveUp(false)
		return nil, err
	}
}

// code takes a report in; with the last part of a code it gives the code.
func (h *hidpos) code(report []byte) (Code, bool, error) {
	p, err := h.layout.part(report)
	if err != nil {
		h.parts.spoil(p.more)
		return Code{}, false, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	whole, err := h.parts.add(p)
	if err != nil || whole == nil {
		return Code{}, false, err
	}
	aim := h.parts.aim
	if !h.aim {
		aim = ""
	}
	return h.take(whole, aim)
}
