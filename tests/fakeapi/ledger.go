package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// A line with a number of its own becomes an incident of its own: what was lost has none, what was
// read twice counts two.
const ledgerRule = `id: ledger
title: a numbered line
impact: Nobody is concerned.
severity: error
response: page
detect:
  - message: 'LEDGER (?P<entry>\S+)'
identity: [entry]
silence: never
samples:
  detect:
    - {format: runner, text: "ERROR: LEDGER a-1"}
  ignore:
    - {format: runner, text: "ERROR: ledger a-1"}
`

// ledgerRules writes the rule into dir and gives the line of the configuration that names it.
func ledgerRules(dir string) string {
	folder := filepath.Join(dir, "rules")
	os.MkdirAll(folder, 0o700)
	os.WriteFile(filepath.Join(folder, "ledger.yaml"), []byte(ledgerRule), 0o600)
	return fmt.Sprintf("rules: [%q]\n", folder)
}

func ledgerLine(writer string, n int) string { return fmt.Sprintf("ERROR: LEDGER %s-%d", writer, n) }
