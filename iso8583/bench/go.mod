module posd/iso8583/bench

go 1.26.0

require (
	github.com/moov-io/iso8583 v0.23.0
	posd v0.0.0
)

require (
	github.com/BurntSushi/toml v1.6.0 // indirect
	github.com/agnivade/levenshtein v1.2.2 // indirect
	github.com/emmansun/gmsm v0.41.1 // indirect
	github.com/yerden/go-util v1.1.4 // indirect
	golang.org/x/text v0.30.0 // indirect
)

replace posd => ../..
