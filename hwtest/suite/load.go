package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"posd/drivers/printer"
)

// A slice of a picture is what posd has under way at most, twice: of a picture that lacks a byte the question behind it is
// swallowed.
const (
	sliceWide = 48 // bytes: 384 dots, which all paper has
	sliceHigh = 42
	slices16  = 16
	underWay  = 2

	linesOfPart  = 60
	partsOfSpeed = 3
	slowest      = 300 // bytes a second, below which a slip takes too long
)

// slice is the n-th part of a picture of stripes.
func slice(n int) string {
	var s strings.Builder
	s.WriteString("\x1dv0\x00" + string([]byte{sliceWide, 0, sliceHigh, 0}))
	for y := range sliceHigh {
		for x := range sliceWide {
			s.WriteByte([]byte{0xFF, 0x81, 0x81, 0x00}[(x+y/8+n)%4])
		}
	}
	return s.String()
}

func lostBytes(at, of int) finding {
	return failed(
		Words{fmt.Sprintf("bytes were lost in part %d of %d", at, of), fmt.Sprintf("第 %d/%d 段丢失了字节", at, of)},
		Words{
			"look at cable, baud rate and DTR/RTS; a long or bad USB cable, a hub, or a buffer of less than 4 KB do this",
			"请检查电缆、波特率和 DTR/RTS；USB 线过长或质量差、集线器、缓冲区小于 4 KB 都会造成",
		})
}

func (b *bench) bytes(ctx context.Context) finding {
	if b.lacksPictures(ctx) {
		return skipped("it does not know GS v 0, by whose pictures lost bytes are found: see check 15", "不支持 GS v 0，无法用图片检查是否丢字节：见第 15 项")
	}
	var parts []string
	for n := range slices16 {
		parts = append(parts, slice(n))
	}
	if f := b.inParts(ctx, parts); f.verdict != "" {
		return f
	}
	n := slices16 * len(slice(0))
	return fine(fmt.Sprintf("%d bytes of a picture, each of which counts", n), fmt.Sprintf("%d 字节的图片，全部到达", n))
}

// lacksPictures tells whether the printer takes a picture for text. It is asked twice: a line that loses bytes spoils the
// question itself.
func (b *bench) lacksPictures(ctx context.Context) bool {
	for range 2 {
		strays, err := b.printed(ctx, pictureAsk)
		if err == nil && strays == 0 {
			return false
		}
		b.settle(ctx)
		if err != nil {
			return false
		}
	}
	return true
}

// inParts sends parts as posd does, of which no more than two are under way. Its finding says what went wrong.
func (b *bench) inParts(ctx context.Context, parts []string) finding {
	if err := b.quiet(ctx); err != nil {
		return broke(err)
	}
	var waiting []func(printer.Reply) bool
	for sent := 0; sent < len(parts) || len(waiting) > 0; {
		if sent < len(parts) && len(waiting) < underWay {
			question, answer := b.mark()
			if err := b.say(ctx, parts[sent]+question); err != nil {
				return broke(err)
			}
			waiting, sent = append(waiting, answer), sent+1
			continue
		}
		if err := b.listen(ctx, printWait, waiting[0]); errors.Is(err, errSilent) {
			return lostBytes(sent-len(waiting)+1, len(parts))
		} else if err != nil {
			return broke(err)
		}
		waiting = waiting[1:]
	}
	return finding{}
}

// burst sends far more than a buffer holds without waiting for anything but XON.
func (b *bench) burst(ctx context.Context) finding {
	if err := b.quiet(ctx); err != nil {
		return broke(err)
	}
	before := b.stops
	var all strings.Builder
	for n := range slices16 {
		all.WriteString(slice(n))
	}
	question, answer := b.mark()
	if err := b.say(ctx, all.String()+question); err != nil {
		return broke(err)
	}
	switch err := b.listen(ctx, time.Minute, answer); {
	case errors.Is(err, errSilent):
		return failed(
			Words{"bytes are lost when they come faster than it prints", "数据快于打印速度时丢失字节"},
			Words{
				"set its flow control to XON/XOFF by its switches, which posd obeys (DTR/CTS it does not); slips stay whole without it, for posd sends no more than about 4 KB that are not confirmed; raw documents and slips with confirm = \"none\" do not",
				"请用拨码开关将流控设为 XON/XOFF，posd 会遵守（不遵守 DTR/CTS）；没有流控时小票不受影响，因为未确认的数据最多约 4 KB；但原始数据和 confirm = \"none\" 的小票会丢失字节",
			})
	case err != nil:
		return broke(err)
	case b.stops > before:
		n := b.stops - before
		return fine(fmt.Sprintf("it sent XOFF and XON %d times, and lost nothing", n), fmt.Sprintf("发送了 %d 次 XOFF/XON，没有丢失", n))
	}
	return fine("it lost nothing, and needed no XOFF: its lines, or USB, held the data back", "没有丢失，也不需要 XOFF：由硬件流控或 USB 控制")
}

func (b *bench) speed(ctx context.Context) finding {
	text := lines(linesOfPart)
	begun := b.o.Now()
	if f := b.inParts(ctx, slices.Repeat([]string{text}, partsOfSpeed)); f.verdict != "" {
		return f
	}
	took := b.o.Now().Sub(begun) - quietWait
	size := partsOfSpeed * len(text)
	rate := float64(size) / max(took.Seconds(), 0.001)
	said := Words{
		fmt.Sprintf("%d bytes in %.1f s: %.0f bytes a second%s", size, took.Seconds(), rate, b.share(rate, " (%.0f %% of the line)")),
		fmt.Sprintf("%d 字节用时 %.1f 秒：每秒 %.0f 字节%s", size, took.Seconds(), rate, b.share(rate, "（线路的 %.0f %%）")),
	}
	if rate < slowest {
		return failed(said, Words{"set a higher baud rate at its switches and in posd.toml", "请用拨码开关和 posd.toml 设置更高的波特率"})
	}
	return finding{verdict: OK, why: said}
}

// share is how much of a serial line that is.
func (b *bench) share(rate float64, format string) string {
	if b.o.Baud == 0 {
		return ""
	}
	return fmt.Sprintf(format, rate*10*100/float64(b.o.Baud))
}

// slip prints through the driver, as posd does.
func (b *bench) slip(ctx context.Context) finding {
	if err := b.quiet(ctx); err != nil {
		return broke(err)
	}
	d, _ := printer.Lookup("escpos")
	doc := printer.Document{Lines: []printer.Line{{Align: printer.Center, Runs: []printer.Run{{Text: "18 长小票", Double: true}}}}}
	for i := range 120 {
		doc.Lines = append(doc.Lines, printer.Pair(fmt.Sprintf("%03d 可口可乐 330ml", i+1), "12.80"))
	}
	doc.Lines = append(doc.Lines, printer.Line{Kind: printer.Cut})
	res, err := d.Open(b.conn, b.o.Settings).Print(ctx, doc)
	b.forget()
	switch {
	case err != nil:
		return failed(Words{err.Error(), "驱动报告：" + err.Error()},
			Words{"look at the checks above; hwtest record shows the traffic", "请查看以上各项；hwtest record 可记录通信"})
	case res.Confirmed == printer.Unconfirmed:
		return failed(Words{"the driver could not have it confirmed", "驱动无法确认打印结果"},
			Words{"a printer without GS r and GS ( H cannot confirm", "没有 GS r 和 GS ( H 的打印机无法确认"})
	}
	told := Words{"confirmed by " + string(res.Confirmed), "已由 " + string(res.Confirmed) + " 确认"}
	if n := len(res.Drawn); n > 0 {
		told.EN += fmt.Sprintf("; %d characters were drawn", n)
		told.ZH += fmt.Sprintf("；%d 个字符以图形打印", n)
	}
	return b.look(ctx, Words{"Are lines 001 to 120 on paper, each once?", "001 至 120 行是否各打印一次？"}, told)
}
