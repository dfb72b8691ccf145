package config

import (
	"runtime"
	"time"
)

// Default gives what holds when the file says nothing: no tender, no devices, production's figures.
func Default(wallets ...Provider) *Config {
	journal, log := dataFiles(runtime.GOOS)
	return &Config{
		API: API{
			Listen:              "127.0.0.1:8320",
			SellTokenFile:       "sell.token",
			SupervisorTokenFile: "supervisor.token",
		},
		Till:    Till{ID: "till-1", Language: "zh", Currency: "CNY"},
		Journal: Journal{Path: journal, BallastMiB: 16, KeepPrints: Duration{24 * time.Hour}, SealKeyFile: "seal.key"},
		Acquirer: Acquirer{
			Dialect:        "unionpay",
			Timeout:        seconds(60),
			ReverseTimeout: seconds(30),
			ConnectTimeout: seconds(5),
			PrimaryRetry:   Duration{5 * time.Minute},
			Connection:     "keep",
			Outstanding:    1,
		},
		Wallet:  defaultWallet(wallets),
		Payment: defaultPayment(),
		Log:     Log{File: log, Level: "info", MaxSizeMiB: 20, MaxFiles: 10},
	}
}

func defaultWallet(providers []Provider) Wallet {
	w := Wallet{
		CodeAge:      seconds(30),
		ConfirmGap:   seconds(15),
		InFlightMax:  seconds(120),
		SuspectAfter: 3,
		Providers:    map[string]Settings{},
	}
	for _, p := range providers {
		w.Providers[p.Name] = p.Settings()
	}
	return w
}

func defaultPayment() Payment {
	return Payment{
		BackoffMin:      seconds(1),
		BackoffMax:      Duration{5 * time.Minute},
		AlarmTries:      6,
		AlarmAge:        Duration{15 * time.Minute},
		GateTries:       3,
		GateAge:         Duration{5 * time.Minute},
		ConfirmWithin:   seconds(60),
		DuplicateWindow: Duration{10 * time.Minute},
		CodeWindow:      seconds(90),
		CollectWithin:   Duration{2 * time.Minute},
		BatchWait:       seconds(60),
	}
}

// setDefaults gives a serial line its usual settings.
func (d *Device) setDefaults() {
	d.Baud, d.DataBits, d.Parity, d.StopBits = 9600, 8, "none", "1"
}

func (c *Client) setDefaults() { c.Scope = "sell" }

// dataFiles says where journal and log are kept on an operating system.
func dataFiles(system string) (journal, log string) {
	if system == "windows" {
		return `C:\ProgramData\posd\journal.db`, `C:\ProgramData\posd\log\posd.log`
	}
	return "/var/lib/posd/journal.db", "/var/log/posd/posd.log"
}

func seconds(n int) Duration { return Duration{time.Duration(n) * time.Second} }
