// Says whether a history of the store, as driver.c prints it, is linearizable.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	keys    = 3 // of a group, whose state is theirs
	timeout = 120 * time.Second
)

type state [keys]int64

// What a client asked for. a and b are keys, value is what it brings along.
type input struct {
	kind  string
	group int
	a, b  int
	value int64
}

// Several values for "read", one for "copy" and "sum", none for the rest. nil: not known.
type output []int64

func step(s, in, out interface{}) (bool, interface{}) {
	state, i := s.(state), in.(input)
	known, _ := out.(output)
	switch i.kind {
	case "read":
		return known == nil || (len(known) == keys && state == [keys]int64{known[0], known[1], known[2]}), state
	case "put":
		state[i.a] = i.value
	case "del":
		state[i.a] = 0
	case "add":
		state[i.a] += i.value
	case "copy": // what a holds, and one more, to b
		seen := state[i.a]
		state[i.b] = seen + 1
		return known == nil || known[0] == seen, state
	case "sum": // of all keys, and one more, to a
		seen := state[0] + state[1] + state[2]
		state[i.a] = seen + 1
		return known == nil || known[0] == seen, state
	default:
		panic("no operation " + i.kind)
	}
	return true, state
}

func partition(history []porcupine.Operation) [][]porcupine.Operation {
	groups := map[int][]porcupine.Operation{}
	for _, operation := range history {
		group := operation.Input.(input).group
		groups[group] = append(groups[group], operation)
	}
	parts := [][]porcupine.Operation{}
	for _, part := range groups {
		parts = append(parts, part)
	}
	return parts
}

var model = porcupine.Model{
	Partition: partition,
	Init:      func() interface{} { return state{} },
	Step:      step,
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return value
}

// "I ID CLIENT NS KIND GROUP A B VALUE" and later "R ID NS ok|failed|unknown [VALUE...]". An
// operation that failed did not happen. One whose end is not known may have happened, at any time.
func read(file *os.File) (history []porcupine.Operation, unknown int) {
	operations, order := map[string]*porcupine.Operation{}, []string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if words[0] == "I" {
			in := input{words[4], int(number(words[5])), int(number(words[6])), int(number(words[7])), number(words[8])}
			operations[words[1]] = &porcupine.Operation{
				ClientId: int(number(words[2])), Input: in, Call: number(words[3]), Return: math.MaxInt64,
			}
			order = append(order, words[1])
			continue
		}
		operation := operations[words[1]]
		switch words[3] {
		case "ok":
			known := output{}
			for _, word := range words[4:] {
				known = append(known, number(word))
			}
			operation.Output, operation.Return = known, number(words[2])
		case "failed":
			delete(operations, words[1])
		}
	}
	for _, id := range order {
		operation := operations[id]
		if operation == nil || (operation.Output == nil && operation.Input.(input).kind == "read") {
			continue
		}
		if operation.Output == nil {
			unknown++
		}
		history = append(history, *operation)
	}
	return history, unknown
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "queues" {
		checkQueues()
		return
	}
	history, unknown := read(os.Stdin)
	result := porcupine.CheckOperationsTimeout(model, history, timeout)
	fmt.Printf("operations=%d unknown=%d result=%s\n", len(history), unknown, result)
	if result != porcupine.Ok {
		os.Exit(1)
	}
}
