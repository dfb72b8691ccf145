package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"posd/config"
	"posd/daemon/api"
	"posd/daemon/prints"
	"posd/daemon/wallet"
	"posd/drivers"
	"posd/drivers/cardreader"
	"posd/drivers/port"
	"posd/drivers/printer"
	"posd/drivers/printer/profile"
	"posd/drivers/scanner"
)

// openDevices starts to keep the counter's devices open.
func (h *house) openDevices(ctx context.Context) error {
	router, err := wallet.NewRouter(routesOf(h.cfg.Wallet))
	if err != nil {
		return err
	}
	h.scans = &scanner.Hub{
		OnScan:    func(s scanner.Scan) { h.tell(func(a *api.API) { a.Scanned(s.Device, s.Data, s.AIM) }) },
		Sensitive: router.Sensitive, // in a shop without wallets, too: customers show their codes there as well
	}
	h.cards = &cardreader.Hub{}
	configs, err := deviceConfigs(h.cfg)
	if err != nil {
		return err
	}
	h.devices, err = drivers.Open(ctx, configs, drivers.World{
		Open: h.w.Open, Watch: h.w.Watch, Now: h.w.Now, Log: h.w.Log, Scans: h.scans, Cards: h.cards, OnChange: h.deviceChanged,
		OnRefused: func(device string, err error) { h.tell(func(a *api.API) { a.Refused(device, err) }) },
		Trace:     h.trace,
	})
	return err
}

// trace puts a device's traffic into the log at debug level. Of readers and scanners it shows lengths only, of printers what they
// answer.
func (h *house) trace(device string) func(line string) {
	if !h.w.Log.Enabled(context.Background(), slog.LevelDebug) {
		return nil
	}
	return func(line string) { h.w.Log.Debug("port traffic", "device", device, "line", line) }
}

func (h *house) deviceChanged(s drivers.DeviceStatus) {
	h.tell(func(a *api.API) { a.DeviceChanged(s) })
	if q := h.queue.Load(); q != nil && s.Kind == drivers.Printer {
		q.Wake()
	}
}

// tell brings news to the tills that follow along. Devices are open before the API is: what happens until then, the
// list of devices tells.
func (h *house) tell(news func(*api.API)) {
	if a := h.front.Load(); a != nil {
		news(a)
	}
}

// usualDriver is that of a device for which no driver is named.
func usualDriver(k drivers.Kind, p port.Kind) string {
	switch {
	case k == drivers.Scanner && p == port.Report:
		return "hidpos"
	case k == drivers.Scanner && p == port.Keys:
		return "keyboard"
	case k == drivers.Reader && p == port.Report:
		return "hidmsr"
	default:
		return map[drivers.Kind]string{drivers.Printer: "escpos", drivers.Scanner: "line", drivers.Reader: "magnetic"}[k]
	}
}

// lookOf is that of the printer which prints slips. One that is to say itself what it can is taken for the usual one.
func lookOf(cfg *config.Config) prints.Look {
	look := prints.Look{Profile: profile.Default}
	i := slices.IndexFunc(cfg.Devices, func(d config.Device) bool { return d.Kind == string(drivers.Printer) })
	if i < 0 {
		return look
	}
	o := cfg.Devices[i].Options
	if _, known := profile.Lookup(o["profile"]); known {
		look.Profile = o["profile"]
	}
	if n, err := strconv.Atoi(o["columns"]); err == nil {
		look.Columns = n
	}
	return look
}

// deviceConfigs turns the configuration's devices into the drivers'. The error is config.Problems: all that the drivers
// do not take.
func deviceConfigs(cfg *config.Config) ([]drivers.Config, error) {
	var problems config.Problems
	out := make([]drivers.Config, 0, len(cfg.Devices))
	for i, d := range cfg.Devices {
		at := fmt.Sprintf("device[%d]", i+1)
		c, err := deviceConfig(d)
		if err != nil {
			problems = append(problems, cfg.Problem(at+".port", err.Error(), "see posd check --example"))
			continue
		}
		if err := drivers.Check([]drivers.Config{c}); err != nil {
			for what := range strings.SplitSeq(err.Error(), "\n") {
				key, remedy := blamed(c.Kind, what)
				problems = append(problems, cfg.Problem(at+key, what, remedy))
			}
		}
		if what, remedy := unusable(c.Address); what != "" {
			problems = append(problems, cfg.Problem(at+".port", what, remedy))
		}
		out = append(out, c)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return out, nil
}

var blamedOption = regexp.MustCompile(`option "?([a-z0-9_-]+)"?`)

// blamed gives the key of a device's section that the drivers complain of, and what to do about it.
func blamed(k drivers.Kind, what string) (key, remedy string) {
	const manual = "see posd check --example"
	switch m := blamedOption.FindStringSubmatch(what); {
	case strings.Contains(what, "unknown driver"):
		return ".driver", "want one of " + strings.Join(driversOf(k), ", ") + "; or leave it out"
	case strings.Contains(what, "unknown kind"):
		return ".kind", manual
	case m != nil:
		return ".options." + m[1], manual
	default:
		return "", manual
	}
}

// driversOf gives the names of the drivers of a kind.
func driversOf(k drivers.Kind) (names []string) {
	switch k {
	case drivers.Printer:
		for _, d := range printer.Drivers() {
			names = append(names, d.Name)
		}
	case drivers.Scanner:
		for _, d := range scanner.Drivers() {
			names = append(names, d.Name)
		}
	case drivers.Reader:
		for _, d := range cardreader.Drivers() {
			names = append(names, d.Name)
		}
	}
	return names
}

// unusable says why a port cannot be had by this name on this system, and which one to use; both are empty mostly.
func unusable(a port.Address) (what, remedy string) {
	if what, remedy = drivers.Unsupported(runtime.GOOS, a); what != "" {
		return what, remedy
	}
	return drivers.Unstable(drivers.Root(), a)
}

func deviceConfig(d config.Device) (drivers.Config, error) {
	address, err := port.ParseAddress(d.Port)
	if err != nil {
		return drivers.Config{}, err
	}
	address.Baud, address.DataBits, address.Parity, address.StopBits = d.Baud, d.DataBits, port.Parity(d.Parity), d.StopBits
	kind := drivers.Kind(d.Kind)
	return drivers.Config{
		Name: d.Name, Kind: kind, Driver: cmp.Or(d.Driver, usualDriver(kind, address.Kind)), Address: address, Options: d.Options,
	}, nil
}
