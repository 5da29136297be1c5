// Package tap writes the Test Anything Protocol, version 13. The programs of the conformance suite report through a
// package of this name, which Debian does not have: this is the part of its interface that they use.
package tap

import (
	"encoding/json"
	"fmt"
	"strings"
)

// T counts the tests of one program.
type T struct {
	count *int
	todo  bool
}

// New begins a program's report.
func New() *T {
	return &T{count: new(int)}
}

// Header writes the version and, when their number is known, the plan.
func (t *T) Header(tests int) {
	fmt.Println("TAP version 13")
	if tests > 0 {
		fmt.Printf("1..%d\n", tests)
	}
}

// AutoPlan writes the plan when the number of tests is known only at the end.
func (t *T) AutoPlan() {
	fmt.Printf("1..%d\n", *t.count)
}

// Ok reports one test.
func (t *T) Ok(passed bool, description string) {
	t.report(passed, description, "")
}

// Pass reports a test that passed.
func (t *T) Pass(description string) {
	t.Ok(true, description)
}

// Fail reports a test that failed.
func (t *T) Fail(description string) {
	t.Ok(false, description)
}

// Skip reports tests that were left out.
func (t *T) Skip(count int, reason string) {
	for i := 0; i < count; i++ {
		t.report(true, "", "# SKIP "+reason)
	}
}

// Todo gives a T whose failures do not count.
func (t *T) Todo() *T {
	return &T{count: t.count, todo: true}
}

// Diagnostic writes a comment.
func (t *T) Diagnostic(message string) {
	fmt.Println("# " + strings.ReplaceAll(strings.TrimSuffix(message, "\n"), "\n", "\n# "))
}

// Diagnosticf is Diagnostic with a format.
func (t *T) Diagnosticf(format string, values ...interface{}) {
	t.Diagnostic(fmt.Sprintf(format, values...))
}

// YAML writes details of the last test; JSON is YAML.
func (t *T) YAML(details interface{}) error {
	text, err := json.MarshalIndent(details, "  ", "  ")
	if err == nil {
		fmt.Printf("  ---\n  %s\n  ...\n", text)
	}
	return err
}

func (t *T) report(passed bool, description string, directive string) {
	*t.count++
	words := []string{"ok", fmt.Sprint(*t.count)}
	if !passed {
		words[0] = "not ok"
	}
	if description != "" {
		words = append(words, "- "+strings.ReplaceAll(description, "\n", " "))
	}
	if t.todo {
		directive = "# TODO"
	}
	if directive != "" {
		words = append(words, directive)
	}
	fmt.Println(strings.Join(words, " "))
}
