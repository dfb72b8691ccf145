package config

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
)

// decode fills c from a parsed file. Unlike the TOML library it does not stop at the first value that does not fit.
func decode(p *problems, tree map[string]any, c *Config) {
	(&decoder{problems: p}).table("", tree, reflect.ValueOf(c).Elem())
}

type decoder struct{ *problems }

// table fills the struct v. Its depth is that of Config.
func (d *decoder) table(path string, tree map[string]any, v reflect.Value) {
	fields := fieldsOf(v)
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		at := join(path, key)
		f, ok := fields[key]
		if !ok {
			d.unknown(at, key, tree[key], slices.Sorted(maps.Keys(fields)))
			continue
		}
		d.value(at, tree[key], f.value)
	}
}

func (d *decoder) unknown(at, key string, value any, known []string) {
	what := "unknown key"
	if isTable(value) {
		what = "unknown section"
	}
	if near := nearest(key, known); near != "" {
		d.add(at, what, fmt.Sprintf("did you mean %q?", near))
		return
	}
	d.add(at, what, "known here: "+strings.Join(known, ", "))
}

// nearest gives the known word that key is the beginning of, or a slip of the finger away from; or "".
func nearest(key string, known []string) string {
	key = strings.ToLower(key)
	best, distance := "", 2*max(2, len(key)/3)+2
	for _, k := range known {
		if len(key) >= 3 && strings.HasPrefix(k, key) {
			return k
		}
		n := levenshtein.ComputeDistance(key, k)
		if n >= len(k) {
			continue
		}
		n *= 2 // of two words as near the one with the same first letter is meant
		if key == "" || key[0] != k[0] {
			n++
		}
		if n < distance {
			best, distance = k, n
		}
	}
	return best
}

var durationType = reflect.TypeFor[Duration]()

// value fills one field.
func (d *decoder) value(at string, value any, v reflect.Value) {
	switch {
	case v.Type() == durationType:
		d.duration(at, value, v)
	case v.Kind() == reflect.Struct:
		if tree, ok := value.(map[string]any); ok {
			d.table(at, tree, v)
			return
		}
		d.mismatch(at, "a section ["+at+"]", value)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		d.tables(at, value, v)
	case v.Kind() == reflect.Slice:
		d.list(at, value, v)
	case v.Kind() == reflect.Map:
		d.options(at, value, v)
	default:
		d.scalar(at, value, v)
	}
}

func (d *decoder) scalar(at string, value any, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if s, ok := value.(string); ok {
			v.SetString(s)
			return
		}
		d.mismatch(at, `text in quotes`, value)
	case reflect.Bool:
		if b, ok := value.(bool); ok {
			v.SetBool(b)
			return
		}
		d.mismatch(at, "true or false", value)
	default:
		if n, ok := value.(int64); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
			v.SetInt(n)
			return
		}
		d.mismatch(at, "a whole number", value)
	}
}

func (d *decoder) duration(at string, value any, v reflect.Value) {
	s, ok := value.(string)
	if !ok {
		d.mismatch(at, `a duration as text, such as "60s" or "5m"`, value)
		return
	}
	t, err := time.ParseDuration(s)
	if err != nil {
		d.add(at, fmt.Sprintf("%q is no duration", s), `write it as "60s", "5m" or "24h"`)
		return
	}
	v.Set(reflect.ValueOf(Duration{t}))
}

// tables fills a slice of structs from [[at]] or from an array of inline tables.
func (d *decoder) tables(at string, value any, v reflect.Value) {
	trees, ok := value.([]map[string]any)
	if list, inline := value.([]any); inline {
		ok = true
		for _, e := range list {
			tree, isTree := e.(map[string]any)
			ok = ok && isTree
			trees = append(trees, tree)
		}
	}
	if !ok {
		d.mismatch(at, "sections [["+at+"]]", value)
		return
	}
	for i, tree := range trees {
		e := reflect.New(v.Type().Elem())
		if def, ok := e.Interface().(interface{ setDefaults() }); ok {
			def.setDefaults()
		}
		d.table(element(at, i+1), tree, e.Elem())
		v.Set(reflect.Append(v, e.Elem()))
	}
}

// list fills a slice of texts or numbers.
func (d *decoder) list(at string, value any, v reflect.Value) {
	list, ok := value.([]any)
	if !ok {
		d.mismatch(at, "a list in brackets", value)
		return
	}
	v.SetZero()
	for i, e := range list {
		one := reflect.New(v.Type().Elem()).Elem()
		d.scalar(element(at, i+1), e, one)
		v.Set(reflect.Append(v, one))
	}
}

// options takes a driver's own settings as text, however they are written; the driver knows what they mean.
func (d *decoder) options(at string, value any, v reflect.Value) {
	tree, ok := value.(map[string]any)
	if !ok {
		d.mismatch(at, "a table { name = value, ... }", value)
		return
	}
	out := map[string]string{}
	for key, e := range tree {
		switch e := e.(type) {
		case string:
			out[key] = e
		case int64:
			out[key] = fmt.Sprint(e)
		case bool:
			out[key] = map[bool]string{true: "yes", false: "no"}[e]
		default:
			d.mismatch(join(at, key), "text, a whole number, true or false", e)
		}
	}
	v.Set(reflect.ValueOf(out))
}

func (d *decoder) mismatch(at, want string, got any) {
	d.add(at, fmt.Sprintf("want %s, got %s", want, describe(got)), "see posd check --example")
}

// describe says what a value is without repeating it: it may be a secret in the wrong place.
func describe(value any) string {
	switch value.(type) {
	case string:
		return "text"
	case int64:
		return "a number"
	case float64:
		return "a number with a fraction"
	case bool:
		return "true or false"
	case time.Time:
		return "a date"
	case []any:
		return "a list"
	}
	return "a section"
}

func isTable(value any) bool {
	switch value.(type) {
	case map[string]any, []map[string]any:
		return true
	}
	return false
}
