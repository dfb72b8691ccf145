module posd

go 1.26.0

require (
	github.com/BurntSushi/toml v1.6.0
	github.com/agnivade/levenshtein v1.2.2
	github.com/alecthomas/kong v1.17.0
	github.com/boombuler/barcode v1.1.0
	github.com/capitalone/fpe v1.2.1
	github.com/creack/pty v1.1.24
	github.com/emmansun/gmsm v0.41.1
	github.com/gofrs/flock v0.13.1
	github.com/google/gousb v1.1.3
	github.com/hajimehoshi/bitmapfont/v3 v3.2.0
	github.com/kardianos/service v1.3.0
	github.com/lmittmann/tint v1.2.1
	github.com/makiuchi-d/gozxing v0.1.1
	go.bug.st/serial v1.8.0
	golang.org/x/image v0.32.0
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.35.0
	golang.org/x/text v0.30.0
	gopkg.in/natefinch/lumberjack.v2 v2.2.1
	modernc.org/libc v1.79.0
	modernc.org/sqlite v1.61.1
)

require (
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/pierrec/lz4/v4 v4.1.21 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	golang.org/x/xerrors v0.0.0-20200804184101-5ec99f83aff1 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)
