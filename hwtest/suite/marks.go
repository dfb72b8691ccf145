package suite

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"posd/drivers/printer"
	"posd/drivers/printer/profile"
)

// look asks the person whether the paper is right; where nobody is there it is what the printer has said.
func (b *bench) look(ctx context.Context, question, told Words) finding {
	if b.o.Ask == nil {
		return finding{verdict: OK, why: Words{told.EN + "; compare the paper with the picture", told.ZH + "；请将纸上内容与图片对比"}}
	}
	yes, err := b.o.Ask(ctx, question)
	switch {
	case err != nil:
		return skipped("nobody answered", "无人回答")
	case yes:
		return finding{verdict: OK, why: Words{told.EN + "; a person has looked at it", told.ZH + "；已人工确认"}}
	default:
		return failed(
			Words{"the paper is not as it should be", "纸上内容不正确"},
			Words{
				"compare it with the picture; choose the profile that fits, or chinese-80, with which posd draws what the printer lacks",
				"请与图片对比；选择合适的 profile，或 chinese-80，缺少的内容由 posd 以图形打印",
			})
	}
}

// document prints a document as posd would, with a hidden question behind each command where one fits.
func (b *bench) document(ctx context.Context, d printer.Document) error {
	p, err := printer.Show(d, b.profile.Name, b.o.Settings.Int("columns"))
	if err != nil {
		return err
	}
	_, err = b.printed(ctx, string(p.Bytes))
	return err
}

// pages prints what the profile says of code pages, all with the same bytes.
func (b *bench) pages(ctx context.Context) finding {
	if len(b.profile.CodePages) == 0 {
		return skipped(
			"profile "+b.profile.Name+" has no code pages: posd draws such characters", "型号 "+b.profile.Name+" 没有代码页：posd 以图形打印这些字符")
	}
	var s strings.Builder
	s.WriteString(escInit + "\x1c.")
	for n := range 256 {
		name, ok := b.profile.CodePages[byte(n)]
		if !ok {
			continue
		}
		fmt.Fprintf(&s, "\x1bt\x00%-3d %-12s ", n, name)
		s.Write([]byte{0x1B, 't', byte(n), 0x80, 0x8E, 0xA5, 0xE9, 0xF1, 0xFC, '\n'})
	}
	if _, err := b.printed(ctx, s.String()+escInit); err != nil {
		return broke(err)
	}
	return b.look(ctx,
		Words{"Does each line show six characters of the code page that it names?", "每行是否显示了所示代码页的六个字符？"},
		Words{fmt.Sprintf("%d code pages were printed", len(b.profile.CodePages)), fmt.Sprintf("已打印 %d 个代码页", len(b.profile.CodePages))})
}

// chineseText has characters of GB2312, of GBK, and of GB18030 with four bytes.
const chineseText = "收银小票 上海市 ￥12.80\n镕 囍 喆 瑠 (GBK)\n㐀 㑇 㒆 (GB18030)\n"

func (b *bench) chinese(ctx context.Context) finding {
	for _, f := range b.facts {
		if f[0] == "language" && !strings.Contains(strings.ToUpper(f[1]), "GB") && strings.Trim(f[1], " ") != "" {
			return failed(
				Words{"its two-byte characters are " + f[1], "双字节字库为 " + f[1]},
				Words{"order the model for China, or a profile with wide = \"none\": then posd draws Chinese", "请选用中国型号，或使用 wide = \"none\" 的 profile，由 posd 以图形打印中文"})
		}
	}
	if w := b.profile.Wide; w != profile.GB18030 && w != profile.WideAsk {
		return skipped("profile "+b.profile.Name+" says that it has no Chinese characters", "型号 "+b.profile.Name+" 没有中文字库")
	}
	d := printer.Document{Lines: []printer.Line{printer.Plain(strings.TrimSpace(chineseText)), printer.Plain("Café Ñandú €5")}}
	p, err := printer.Show(d, "chinese-80", b.o.Settings.Int("columns"))
	if err == nil {
		_, err = b.printed(ctx, string(p.Bytes))
	}
	if err != nil {
		return broke(err)
	}
	return b.look(ctx,
		Words{"Are three lines of Chinese on paper, without empty places or boxes?", "纸上是否有三行中文，没有空白或方框？"},
		Words{"Chinese of GB2312, GBK and GB18030 was printed", "已打印 GB2312、GBK 与 GB18030 字符"})
}

// hidden finds out whether a printer knows a command: what is a question among its data only one answers that does not.
func (b *bench) hidden(ctx context.Context, command string, unknown finding) (finding, bool) {
	strays, err := b.printed(ctx, command)
	switch {
	case err != nil:
		return broke(err), false
	case strays > 0:
		return unknown, false
	default:
		return finding{}, true
	}
}

// unknownCommand is a command that the printer takes for text.
func unknownCommand(name, en, zh string) finding {
	return failed(Words{"it does not know " + name + " and prints its bytes", "不支持 " + name + "，把命令当作文字打印"}, Words{en, zh})
}

func (b *bench) barcodes(ctx context.Context) finding {
	ask := "{A" + gsKind + "12" // code set A has control characters
	if f, ok := b.hidden(ctx, "\x1dh\x28\x1dH\x00\x1dkI"+string(rune(len(ask)))+ask+"\n", unknownCommand("GS k",
		"choose a profile without barcodes: posd draws them then", "请选择不支持条形码的 profile，由 posd 以图形打印")); !ok {
		return f
	}
	var d printer.Document
	for _, c := range [][2]string{
		{"CODE128", "A1-20250101"},
		{"EAN13", "6901234567892"},
		{"EAN8", "96385074"},
		{"UPC-A", "036000291452"},
		{"CODE39", "POSD 39"},
		{"ITF", "12345678"},
		{"CODABAR", "A40156B"},
		{"CODE93", "POSD93"},
	} {
		d.Lines = append(d.Lines, printer.Plain(c[0]),
			printer.Line{Kind: printer.Barcode, Code: printer.Code{Kind: c[0], Text: true}, Data: c[1]})
	}
	if err := b.document(ctx, d); err != nil {
		return broke(err)
	}
	return b.look(ctx,
		Words{"Can a scanner read all eight barcodes?", "扫描枪能否读出全部八个条形码？"},
		Words{"it knows GS k, and took eight kinds", "支持 GS k，已打印八种条形码"})
}

func (b *bench) qr(ctx context.Context) finding {
	ask := gsFence + "12345"
	store := "\x1d(k" + string([]byte{byte(len(ask) + 3), 0, 0x31, 0x50, 0x30}) + ask
	if f, ok := b.hidden(ctx, store, unknownCommand("GS ( k",
		"choose a profile without QR codes: posd draws them then", "请选择不支持二维码的 profile，由 posd 以图形打印")); !ok {
		return f
	}
	var d printer.Document
	for i, data := range []string{"https://example.com/r/1", strings.Repeat("0123456789", 20)} {
		d.Lines = append(d.Lines, printer.Line{Kind: printer.QR, Code: printer.Code{Module: 5 - i, Level: "M"}, Data: data})
	}
	if err := b.document(ctx, d); err != nil {
		return broke(err)
	}
	return b.look(ctx,
		Words{"Can a phone read both QR codes?", "手机能否读出两个二维码？"},
		Words{"it knows GS ( k, and took two codes", "支持 GS ( k，已打印两个二维码"})
}

// pictureAsk is a picture of one row with a question in it. As text its other dots are letters: half a character of two bytes
// would swallow what comes behind.
var pictureAsk = "\x1dv0\x00\x0c\x00\x01\x00" + gsFence + strings.Repeat("U", 9)

func (b *bench) picture(ctx context.Context) finding {
	if f, ok := b.hidden(ctx, pictureAsk, unknownCommand("GS v 0",
		"characters and codes that it lacks cannot be drawn: ask the maker for firmware with GS v 0", "无法以图形打印缺少的字符：请向厂商索取支持 GS v 0 的固件")); !ok {
		return f
	}
	d := printer.Document{Lines: []printer.Line{{Kind: printer.Image, Data: ramp(min(b.profile.Dots, 384), 96)}}}
	if err := b.document(ctx, d); err != nil {
		return broke(err)
	}
	return b.look(ctx,
		Words{"Is there a picture that grows dark to the right, without steps or stripes?", "图片是否由左至右均匀变深，没有错位或条纹？"},
		Words{"it knows GS v 0", "支持 GS v 0"})
}

// ramp is a picture that grows dark to the right, in base64.
func ramp(w, h int) string {
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetGray(x, y, color.Gray{Y: byte(255 - 255*x/w)})
		}
	}
	var out bytes.Buffer
	_ = png.Encode(&out, img) // a buffer does not fail
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

func (b *bench) cuts(ctx context.Context) finding {
	if b.profile.Cutter == profile.CutNone && b.o.Settings.Text("cut") == "auto" || b.o.Settings.Text("cut") == "none" {
		return skipped("it has no cutter, by its profile", "该型号没有切刀")
	}
	d := printer.Document{Lines: []printer.Line{printer.Plain("-- 16 --"), {Kind: printer.Cut}}}
	if err := b.document(ctx, d); err != nil {
		return broke(err)
	}
	s, _, err := b.askStatus(ctx)
	switch {
	case err != nil:
		return broke(err)
	case s.Fault != "":
		return failed(Words{"after the cut: " + s.Fault, "切纸后故障：" + s.Fault},
			Words{"take out the paper at the cutter, switch it off and on", "取出切刀处的纸，重新开关打印机"})
	}
	return b.look(ctx,
		Words{"Was the paper cut below the line -- 16 --?", "纸是否在 -- 16 -- 之后切断？"},
		Words{"GS V was sent, and its cutter tells no fault", "已发送 GS V，切刀没有报告故障"})
}

func (b *bench) drawer(ctx context.Context) finding {
	before, _, err := b.askStatus(ctx)
	if err == nil {
		err = b.document(ctx, printer.Document{Lines: []printer.Line{{Kind: printer.Drawer}}})
	}
	if err != nil {
		return broke(err)
	}
	after, _, err := b.askStatus(ctx)
	switch {
	case err != nil:
		return broke(err)
	case before.DrawerPin != after.DrawerPin:
		return fine("its sensor tells that it has opened", "传感器显示钱箱已弹出")
	}
	if b.o.Ask == nil {
		return fine("the pulse was sent; its sensor tells nothing: look whether the drawer is open", "已发出脉冲；传感器无变化，请看钱箱是否弹出")
	}
	return b.look(ctx,
		Words{"Has the cash drawer opened?", "钱箱是否弹出？"},
		Words{"the pulse was sent; its sensor tells nothing", "已发出脉冲；传感器无变化"})
}
