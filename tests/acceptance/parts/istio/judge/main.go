// Command judge says what Istio makes of a cacerts bundle, by Istio's own code.
//
// It reads one JSON request a line and answers each with one JSON line, in the same order. Its one
// argument is a directory for the files, best in memory, which is removed in the end.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"

	"istio.io/istio/pkg/log"
)

// request is a bundle, or the step from one bundle to the next.
type request struct {
	// Files are what the Secret holds, by name.
	Files map[string][]byte `json:"files"`
	// Previous is what istiod runs with before Files arrive; nil for a first start.
	Previous map[string][]byte `json:"previous"`
	// LeafKey is the kind of the workload's key: ecdsa or rsa.
	LeafKey string `json:"leaf_key"`
	// Leaf asks for the workload's certificate itself.
	Leaf bool `json:"leaf"`
}

// verdict is "ok" or the text of the error; empty for what was not reached.
type verdict string

const passed verdict = "ok"

func verdictOf(err error) verdict {
	if err != nil {
		return verdict(err.Error())
	}
	return passed
}

// opinion is the answer to a request.
type opinion struct {
	judged
	// Previous is what loading the previous bundle came to.
	Previous verdict `json:"previous,omitempty"`
	Reload   *reload `json:"reload,omitempty"`
	Cross    *cross  `json:"cross,omitempty"`
	// Workload is what a sidecar would hold.
	Workload *workload `json:"workload,omitempty"`
}

// cross is the time in which not every workload has its new certificate.
type cross struct {
	OldLeafNewRoots roles `json:"old_leaf_new_roots"`
	NewLeafOldRoots roles `json:"new_leaf_old_roots"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: judge DIRECTORY")
		os.Exit(2)
	}
	silence()
	err := serve(os.Stdin, os.Stdout, os.Args[1])
	// Also when whoever asked is gone.
	_ = os.RemoveAll(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

func silence() {
	for _, scope := range log.Scopes() {
		scope.SetOutputLevel(log.NoneLevel)
	}
}

// serve judges as many requests at a time as there are processors.
func serve(in io.Reader, out io.Writer, dir string) error {
	answers := make(chan chan []byte, runtime.GOMAXPROCS(0))
	written := make(chan error, 1)
	go func() { written <- write(out, answers) }()
	lines := bufio.NewReaderSize(in, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			close(answers)
			return <-written
		}
		if err != nil {
			return fmt.Errorf("the last request is cut off: %w", err)
		}
		answer := make(chan []byte, 1)
		answers <- answer
		go func() { answer <- answerTo(line, dir) }()
	}
}

func write(out io.Writer, answers <-chan chan []byte) error {
	buffered := bufio.NewWriter(out)
	for answer := range answers {
		if _, err := buffered.Write(append(<-answer, '\n')); err != nil {
			return err
		}
		if len(answers) == 0 {
			if err := buffered.Flush(); err != nil {
				return err
			}
		}
	}
	return buffered.Flush()
}

// answerTo does not answer what it cannot read: the client's fault ends the program.
func answerTo(line []byte, dir string) []byte {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		fatal("a request cannot be read", err)
	}
	answer, err := asked.judge(dir)
	if err != nil {
		fatal("the files cannot be laid out", err)
	}
	encoded, err := json.Marshal(answer)
	if err != nil {
		fatal("an answer cannot be written", err)
	}
	return encoded
}

func fatal(what string, err error) {
	fmt.Fprintf(os.Stderr, "judge: %s: %v\n", what, err)
	os.Exit(1)
}

func (asked *request) judge(dir string) (*opinion, error) {
	next, err := mount(dir, asked.Files)
	if err != nil {
		return nil, err
	}
	defer next.remove()
	new := next.judge(asked.LeafKey)
	answer := &opinion{judged: new.judged}
	if asked.Leaf {
		answer.Workload = new.workload
	}
	if asked.Previous == nil {
		return answer, nil
	}
	previous, err := mount(dir, asked.Previous)
	if err != nil {
		return nil, err
	}
	defer previous.remove()
	old := previous.judge(asked.LeafKey)
	answer.Previous = old.Load
	answer.Cross = crossed(old, new)
	if old.ca != nil {
		answer.Reload = next.reloadInto(old.ca)
	}
	return answer, nil
}

// crossed is nil unless both bundles gave a workload a certificate.
func crossed(old, new istiod) *cross {
	if old.workload == nil || new.workload == nil {
		return nil
	}
	return &cross{
		OldLeafNewRoots: old.workload.verify(new.workload.Roots),
		NewLeafOldRoots: new.workload.verify(old.workload.Roots),
	}
}
