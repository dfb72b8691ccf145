package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"posd/drivers/plug"
	"posd/drivers/port"
	"posd/drivers/printer"
)

func (b *bench) opens(ctx context.Context) finding {
	err := b.dial(ctx)
	if err == nil {
		return fine("it is open", "已打开")
	}
	return failed(Words{err.Error(), "无法打开：" + err.Error()}, openRemedy(err))
}

func openRemedy(err error) Words {
	remedy := Words{
		"hwtest list shows what is plugged in; of a printer on the network look at address, plug and switch",
		"用 hwtest list 查看已连接的设备；网络打印机请检查地址、网线和开关",
	}
	switch p, named := errors.AsType[*plug.Problem](err); {
	case named:
		remedy.EN = p.Remedy
	case errors.Is(err, port.ErrBusy):
		return Words{"end the other program that uses it, posd too: posd stop", "关闭占用端口的程序，包括 posd：posd stop"}
	case errors.Is(err, port.ErrPermission):
		return Words{"belong to the group that owns the device (ls -l shows it), or run it as root", "请加入设备所属的用户组（用 ls -l 查看），或以 root 运行"}
	}
	return remedy
}

func (b *bench) status(ctx context.Context) finding {
	_, silent, err := b.askStatus(ctx)
	switch {
	case err != nil:
		return broke(err)
	case silent == 0:
		return fine("it answers DLE EOT 1 to 4", "DLE EOT 1 至 4 均有应答")
	case silent < 4:
		return failed(
			Words{fmt.Sprintf("it answers only %d of DLE EOT 1 to 4", 4-silent), fmt.Sprintf("DLE EOT 1 至 4 只有 %d 项应答", 4-silent)},
			Words{"the firmware must answer all four at once, also when it is offline", "固件必须立即应答全部四项，脱机时也一样"})
	default:
		return failed(
			Words{"it answers nothing", "没有任何应答"},
			Words{
				"switch it on; look at cable and baud rate (hwtest identify --probe); a printer that never answers can be used with status = \"no\", and no slip of it is ever confirmed",
				"打开电源；检查电缆与波特率 (hwtest identify --probe)；从不应答的打印机可用 status = \"no\"，但小票无法确认",
			})
	}
}

func (b *bench) ready(ctx context.Context) finding {
	s, _, err := b.askStatus(ctx)
	if err != nil {
		return broke(err)
	}
	for _, c := range s.Conditions() {
		if c.Stops {
			return failed(Words{c.Why, c.WhyZH}, Words{c.Remedy, c.RemedyZH})
		}
	}
	if all := s.Conditions(); len(all) > 0 {
		return fine("it is online; "+all[0].Why, "联机；"+all[0].WhyZH)
	}
	return fine("it is online, without faults", "联机，无故障")
}

// identities are what GS I tells as text.
var identities = []struct {
	n    byte
	name string
}{{66, "maker"}, {67, "model"}, {65, "firmware"}, {68, "serial number"}, {69, "language"}}

func (b *bench) identity(ctx context.Context) finding {
	before := len(b.facts)
	if pp, ok := b.conn.(*recorder).Conn.(port.PrinterPort); ok {
		if id, err := pp.DeviceID(ctx); err == nil && id != "" {
			b.facts = append(b.facts, [2]string{"IEEE 1284", id})
		}
	}
	for _, i := range identities {
		text, err := b.inform(ctx, i.n)
		if err != nil {
			return broke(err)
		}
		if text != "" {
			b.facts = append(b.facts, [2]string{i.name, text})
		}
	}
	var said []string
	for _, f := range b.facts[before:] {
		said = append(said, f[0]+" "+f[1])
	}
	if len(said) > 0 {
		return fine(strings.Join(said, ", "), strings.Join(said, "，"))
	}
	return failed(
		Words{"it tells neither maker nor model", "没有报告厂商和型号"},
		Words{"name its model in posd.toml: options = { profile = \"...\" }", "请在 posd.toml 中写明型号：options = { profile = \"...\" }"})
}

func (b *bench) process(ctx context.Context) finding {
	if err := b.quiet(ctx); err != nil {
		return broke(err)
	}
	b.named = true
	question, answer := b.mark()
	// One that does not know it takes its bytes for text, which ESC @ clears.
	err := b.say(ctx, question+escInit)
	if err == nil {
		err = b.listen(ctx, answerWait, answer)
	}
	if err == nil {
		return fine("GS ( H fn 48 comes back with its id", "GS ( H 功能 48 返回编号")
	}
	b.named = false
	if !errors.Is(err, errSilent) {
		return broke(err)
	}
	return failed(
		Words{"it does not know GS ( H fn 48", "不支持 GS ( H 功能 48"},
		Words{
			"posd works with confirm = \"fence\" then; after a power cut in the middle of a slip it must print all of it again",
			"posd 将使用 confirm = \"fence\"；打印中断电后须整张重打",
		})
}

func (b *bench) fence(ctx context.Context) finding {
	if err := b.quiet(ctx); err != nil {
		return broke(err)
	}
	const times = 3
	if err := b.say(ctx, strings.Repeat(gsFence, times)); err != nil {
		return broke(err)
	}
	if err := b.listen(ctx, answerWait, never); !errors.Is(err, errSilent) {
		return broke(err)
	}
	n := count(b.heard, printer.ReplyFence)
	switch {
	case n == times:
		return fine("GS r 1 is answered, once each time", "GS r 1 每次应答一次")
	case n == 0 && b.named:
		return fine("GS r 1 is not answered; GS ( H is, which is better", "GS r 1 无应答；但支持更好的 GS ( H")
	default:
		return failed(
			Words{fmt.Sprintf("of %d questions (GS r 1) %d were answered", times, n), fmt.Sprintf("%d 次询问 (GS r 1) 应答了 %d 次", times, n)},
			Words{
				"look at cable and speed; without this answer no slip is ever confirmed: confirm = \"none\"",
				"请检查电缆与波特率；没有该应答小票无法确认：confirm = \"none\"",
			})
	}
}

// half sends the beginning of a QR code, and mends it as posd does before each slip.
func (b *bench) half(ctx context.Context) finding {
	const begun = "\x1d(k\x03" // the low byte of a length
	if err := b.say(ctx, begun+string(make([]byte, mendedBy))+escInit); err != nil {
		return broke(err)
	}
	if _, err := b.printed(ctx, "38 OK\n"); err != nil {
		return broke(err)
	}
	return fine("what comes behind half a command is printed", "中断的命令之后打印正常")
}

func (b *bench) busy(ctx context.Context) finding {
	if err := b.quiet(ctx); err != nil {
		return broke(err)
	}
	question, answer := b.mark()
	if err := b.say(ctx, lines(40)+question+dleStatus+"\x01"); err != nil {
		return broke(err)
	}
	if err := b.listen(ctx, printWait, answer); err != nil {
		return broke(err)
	}
	isStatus := func(r printer.Reply) bool { return r.Kind == printer.ReplyStatus }
	if slices.ContainsFunc(b.heard[:b.seen], isStatus) {
		return fine("DLE EOT is answered before all is printed", "打印未完时 DLE EOT 即应答")
	}
	if err := b.listen(ctx, answerWait, isStatus); err == nil {
		return fine("DLE EOT is answered, behind what is printed", "DLE EOT 在打印之后应答")
	}
	return failed(
		Words{"DLE EOT is lost while it prints", "打印过程中 DLE EOT 丢失"},
		Words{"the firmware must answer real-time commands while it prints", "固件在打印过程中必须应答实时命令"})
}

func (b *bench) automatic(ctx context.Context) finding {
	if err := b.quiet(ctx); err != nil {
		return broke(err)
	}
	err := b.say(ctx, gsAuto+autoAll)
	if err == nil {
		err = b.listen(ctx, answerWait, func(r printer.Reply) bool { return r.Kind == printer.ReplyAuto })
	}
	off := b.say(ctx, gsAuto+autoNone)
	switch {
	case err == nil && off == nil:
		return fine("GS a is answered with four bytes of status", "GS a 返回四字节状态")
	case errors.Is(err, errSilent) && off == nil:
		return failed(
			Words{"it does not know GS a", "不支持 GS a"},
			Words{"posd asks it every two seconds instead; nothing is to be done", "posd 将每两秒查询一次，无需处理"})
	default:
		return broke(errors.Join(err, off))
	}
}

// lines are so many lines of text.
func lines(n int) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "%03d ABCDEFGHIJKLMNOPQRSTUVWX\n", i+1)
	}
	return s.String()
}
