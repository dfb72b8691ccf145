package suite

import (
	"context"
	"errors"
	"time"

	"posd/drivers/port"
	"posd/drivers/printer"
)

// How long a person is given, and how often is looked meanwhile.
const (
	handWait = time.Minute
	lookWait = 500 * time.Millisecond
)

// act asks a person to do something, and waits until the printer shows it.
func (b *bench) act(ctx context.Context, please Words, shows func(printer.Status) bool) (bool, error) {
	b.o.Please(please)
	limit, cancel := context.WithTimeout(ctx, handWait)
	defer cancel()
	for {
		s, silent, err := b.askStatus(ctx) // a write that limit ends would end the line
		switch {
		case limit.Err() != nil:
			return false, ctx.Err()
		case err != nil:
			return false, err
		case silent == 0 && shows(s):
			return true, nil
		}
		if err := b.listen(limit, lookWait, never); !errors.Is(err, errSilent) && limit.Err() == nil {
			return false, err
		}
		b.forget()
	}
}

// sensor asks a person to change something, and to change it back.
func (b *bench) sensor(ctx context.Context, do, undo Words, shows func(printer.Status) bool) finding {
	seen, err := b.act(ctx, do, shows)
	if err != nil {
		return broke(err)
	}
	if !seen {
		b.o.Please(undo)
		return failed(
			Words{"nothing was told within a minute", "一分钟内没有上报"},
			Words{"the sensor or the firmware does not tell it; posd will not know it either", "传感器或固件没有上报；posd 也无法得知"})
	}
	back, err := b.act(ctx, undo, func(s printer.Status) bool { return !shows(s) })
	switch {
	case err != nil:
		return broke(err)
	case !back:
		return failed(
			Words{"it still tells it a minute after it was put right", "恢复后一分钟仍在上报"},
			Words{"look at the sensor; a printer that needs its button pressed says so in its manual", "请检查传感器；是否需要按键恢复请看说明书"})
	}
	return fine("it tells both ways", "两个方向均能上报")
}

func (b *bench) cover(ctx context.Context) finding {
	return b.sensor(ctx, Words{"Open the cover.", "请打开上盖。"}, Words{"Close the cover.", "请合上上盖。"},
		func(s printer.Status) bool { return s.CoverOpen })
}

func (b *bench) paperEnd(ctx context.Context) finding {
	return b.sensor(ctx, Words{"Take the paper out, and close the cover.", "请取出纸卷并合上上盖。"},
		Words{"Put the paper in, and close the cover.", "请装入纸卷并合上上盖。"}, func(s printer.Status) bool { return s.PaperOut })
}

func (b *bench) paperLow(ctx context.Context) finding {
	return b.sensor(ctx, Words{"Put in a roll that is nearly used up, and close the cover.", "请换上将用完的纸卷并合上上盖。"},
		Words{"Put the full roll in again.", "请换回满纸卷。"}, func(s printer.Status) bool { return s.PaperLow && !s.PaperOut })
}

// replug has the printer pulled out, and finds it again.
func (b *bench) replug(ctx context.Context) finding {
	b.o.Please(Words{"Pull the printer's data cable out.", "请拔出打印机的数据线。"})
	gone, err := b.gone(ctx)
	if err != nil {
		return broke(err)
	}
	if !gone {
		return failed(Words{"it answered for a minute: nothing was pulled out, or nobody was told", "一分钟内一直有应答：没有拔出，或系统没有通知"},
			Words{"do it again; name the port by what it is (usb:VID:PID)", "请重试；端口请写成 usb:VID:PID"})
	}
	b.hangUp()
	b.o.Please(Words{"Plug it in again, into another port if you like.", "请重新插入，可换一个接口。"})
	back, cancel := context.WithTimeout(ctx, handWait)
	defer cancel()
	for back.Err() == nil {
		if err = b.dial(back); err == nil {
			if _, silent, asked := b.askStatus(ctx); asked == nil && silent == 0 {
				return fine("it was missed, and found again", "能发现拔出，并重新连接")
			}
			b.hangUp()
		}
		select {
		case <-back.Done():
		case <-time.After(lookWait):
		}
	}
	why := "it did not answer"
	if err != nil {
		why = err.Error()
	}
	return failed(Words{"it was not found again within a minute: " + why, "一分钟内没有重新连接：" + why},
		Words{"name the port by what it is (usb:VID:PID or 1284:MDL=...), not by its number", "端口请写成 usb:VID:PID 或 1284:MDL=...，不要用编号"})
}

// gone waits until the printer is gone: the line breaks, or over a network or an adapter it falls silent.
func (b *bench) gone(ctx context.Context) (bool, error) {
	limit, cancel := context.WithTimeout(ctx, handWait)
	defer cancel()
	for {
		_, silent, err := b.askStatus(ctx)
		switch {
		case limit.Err() != nil:
			return false, ctx.Err()
		case err != nil || silent == 4:
			return true, nil
		}
		err = b.listen(limit, lookWait, never)
		if errors.Is(err, port.ErrUnplugged) {
			return true, nil
		}
		b.forget()
	}
}
