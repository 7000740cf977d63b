package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Each refuses the first requests for the log in one way, and then serves it: every line is read
// once, and what is worth saying is said.
func TestRefusedLogRequestsAreAskedAgain(t *testing.T) {
	refusal := func(code int, reason, message string, details object) func(answer) {
		return func(to answer) { status(to, code, reason, message, details) }
	}
	for name, row := range map[string]struct {
		reply func(answer)
		says  string
	}{
		"204 unscheduled": {func(to answer) { to.Begin(204, nil); to.End() }, ""},
		"400 creating": {refusal(400, "BadRequest",
			`container "runner" in pod "runner" is waiting to start: ContainerCreating`, nil), ""},
		"400 pulling": {refusal(400, "BadRequest",
			`container "runner" in pod "runner" is waiting to start: trying and failing to pull image`, nil), ""},
		"400 unnamed container": {refusal(400, "BadRequest",
			"a container name must be specified for pod runner, choose one of: [runner helper]", nil),
			"a container name must be specified"},
		"400 terminated": {refusal(400, "BadRequest", `container "runner" in pod "runner" is terminated`, nil), ""},
		"403": {refusal(403, "Forbidden", `pods "runner" is forbidden: User "system:serviceaccount:watch:rw" cannot get `+
			`resource "pods/log" in API group "" in the namespace "ci"`, object{"name": "runner", "kind": "pods"}),
			"may not get pods/log in namespace ci: the credentials lack verb get on pods/log"},
		"403 of the kubelet": {refusal(403, "Forbidden", `Forbidden (user=kube-apiserver, verb=get, resource="nodes", `+
			`subresource="proxy")`, nil), "its own kubelet client lacks verb get on nodes/proxy"},
		"404 of the kubelet": {refusal(404, "NotFound", "the server could not find the requested resource ( pods/log runner)",
			object{"name": "runner", "kind": "pods/log"}), ""},
		"404 of the node": {refusal(404, "NotFound", `nodes "node-1" not found`, object{"name": "node-1", "kind": "nodes"}), ""},
		"405":             {func(to answer) { reply(to, 405, "text/plain", "Debug endpoints are disabled.") }, "Debug endpoints are disabled"},
		"429": {func(to answer) {
			to.Begin(429, map[string]string{"Retry-After": "1", "Content-Type": "text/plain"})
			to.Write([]byte("The apiserver is shutting down, please try again later."))
			to.End()
		}, "answered 429"},
		"500 dial": {refusal(500, "", `Get "https://10.0.0.7:10250/containerLogs/ci/runner/runner": dial tcp 10.0.0.7:10250: `+
			`i/o timeout`, nil), "dial tcp 10.0.0.7:10250: i/o timeout"},
		"502 page": {func(to answer) { reply(to, 502, "text/html", "<html>\n<h1>Bad Gateway</h1></html>") }, "<h1>Bad Gateway</h1>"},
		"slow headers": {func(to answer) {
			select {
			case <-time.After(3 * time.Second):
			case <-to.Gone():
			}
			status(to, 500, "InternalError", "it took a while", nil)
		}, "it took a while"},
	} {
		t.Run(name, func(t *testing.T) {
			w := setUp(t, options{})
			w.print(3)
			ours := func(r *request) bool { return isLog(r) && strings.Contains(r.Path, "/runner/") }
			w.a.times(2, ours, row.reply)
			w.start()
			w.hasAll()
			w.following(1)
			w.print(3)
			w.hasAll()
			w.hasNoGap()
			if row.says != "" {
				w.says(row.says)
			}
		})
	}
}

// An expired token is replaced by the one that stands in its file by then.
func TestATokenIsReadAgainAfter401(t *testing.T) {
	w := setUp(t, options{})
	file := filepath.Join(w.d.dir, "token")
	write := func(token string) {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Error(err)
		}
	}
	write("old")
	kubeconfig := strings.Replace(w.s.kubeconfig(), "token: first", "tokenFile: token", 1)
	if err := os.WriteFile(filepath.Join(w.d.dir, "kubeconfig"), []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	var good atomic.Value
	good.Store("old")
	w.a.intercept(func(r *request, to answer) bool {
		if r.Header.Get("Authorization") == "Bearer "+good.Load().(string) {
			return false
		}
		status(to, 401, "Unauthorized", "Unauthorized", nil)
		return true
	})
	w.print(1)
	w.start()
	w.following(1)
	w.hasAll()
	write("new")
	good.Store("new")
	w.s.cutAll()
	w.following(2)
	w.print(1)
	w.hasAll()
}

// A right that is missing is named and the rest goes on.
func TestWhatMayNotBeGotIsSaidOnce(t *testing.T) {
	w := setUp(t, options{})
	w.a.intercept(func(r *request, to answer) bool {
		if isLog(r) || isList(r) || isWatch(r) {
			return false
		}
		status(to, 403, "Forbidden", `pods "x" is forbidden: User "u" cannot get resource "pods"`, nil)
		return true
	})
	w.print(1)
	w.start()
	w.hasAll()
	w.says("may not get pods in namespace default")
}
