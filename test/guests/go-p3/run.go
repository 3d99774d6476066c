// A program of goroutines for wasi:cli/run@0.3.0: each waits for the host on its own. Go's runtime still talks to WASI 0.2.
// Prints its arguments, waits on two timers at once, then prints the lines of stdin sorted.
//
//   cat           instead: copies stdin to stdout, in pieces of 64 KiB that pass through its memory
//   sleeps N MS   instead: N sleeps of MS milliseconds at once; prints how many there were and how long all of it took

package export_wasi_cli_run

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.bytecodealliance.org/pkg/wit/types"

	environment "wit_component/wasi_cli_environment"
	stdin "wit_component/wasi_cli_stdin"
	stdout "wit_component/wasi_cli_stdout"
	clock "wit_component/wasi_clocks_monotonic_clock"
)

const millisecond = 1_000_000

type (
	unit   = wit_types.Unit
	writer = wit_types.StreamWriter[uint8]
)

// atOnce runs the functions at once and returns when all of them have.
func atOnce(functions ...func()) {
	var group sync.WaitGroup
	for _, function := range functions {
		group.Go(function)
	}
	group.Wait()
}

func timers() string {
	var order []string
	start := clock.Now()
	timer := func(name string, milliseconds uint64) func() {
		return func() {
			clock.WaitFor(milliseconds * millisecond)
			order = append(order, name)
		}
	}
	atOnce(timer("long", 60), timer("short", 10))
	enough := "too early"
	if clock.Now()-start >= 60*millisecond {
		enough = "ok"
	}
	return fmt.Sprintf("timers: %s, %s\n", strings.Join(order, ", "), enough)
}

func sleeps(count int, milliseconds uint64) string {
	// The collector stops goroutines anywhere, and the bindings' map of waits does not bear that: "concurrent map writes".
	debug.SetGCPercent(-1)
	start := clock.Now()
	done := 0
	atOnce(slices.Repeat([]func(){func() {
		clock.WaitFor(milliseconds * millisecond)
		done++
	}}, count)...)
	return fmt.Sprintf("%d sleeps, %d ms\n", done, (clock.Now()-start)/millisecond)
}

// readStdin calls use with each piece of stdin in turn, until use returns false. False if reading failed.
func readStdin(use func([]byte) bool) bool {
	stream, result := stdin.ReadViaStream()
	piece := make([]byte, 65536)
	for !stream.WriterDropped() {
		if count := stream.Read(piece); count > 0 && !use(piece[:count]) {
			break
		}
	}
	stream.Drop()
	return result.Read().IsOk()
}

func write(output *writer, arguments []string) bool {
	if len(arguments) == 1 && arguments[0] == "cat" {
		return readStdin(func(piece []byte) bool {
			output.WriteAll(piece)
			return !output.ReaderDropped()
		})
	}
	if len(arguments) == 3 && arguments[0] == "sleeps" {
		count, _ := strconv.Atoi(arguments[1])
		milliseconds, _ := strconv.ParseUint(arguments[2], 10, 32)
		output.WriteAll([]byte(sleeps(count, milliseconds)))
		return true
	}
	for _, argument := range arguments {
		output.WriteAll([]byte("argument: " + argument + "\n"))
	}
	output.WriteAll([]byte(timers()))
	var text strings.Builder
	ok := readStdin(func(piece []byte) bool {
		text.Write(piece)
		return true
	})
	for _, line := range slices.Sorted(strings.Lines(text.String())) {
		output.WriteAll([]byte(line))
	}
	return ok
}

func Run() wit_types.Result[unit, unit] {
	output, input := stdin.MakeStreamU8() // one for each type, in the package that names it first
	result := stdout.WriteViaStream(input)
	ok := write(output, environment.GetArguments()[1:])
	output.Drop()
	if !result.Read().IsOk() || !ok {
		return wit_types.Err[unit, unit](unit{})
	}
	return wit_types.Ok[unit, unit](unit{})
}
