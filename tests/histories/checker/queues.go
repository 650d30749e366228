// Says whether histories of queues, as test_queues.py writes them, could have been: one JSON object
// a line. Messages of a standard queue have nothing to do with each other, so each is a history of
// its own; of a FIFO queue each group is one.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/anishathalye/porcupine"
)

// What a client asked for and was told. Return is nil where the answer got lost: then it may have
// happened, at any time.
type queueOperation struct {
	Kind   string // send, receive, delete, show, gone
	Part   string // the message, or "group NAME"
	Client int
	Call   int64 // nanoseconds
	Return *int64
	Count  int      // standard: the receive that this is, or whose receipt it is
	Hidden int64    // receive: so long the messages are hidden
	IDs    []string // FIFO: the messages
	Sender int      // FIFO: who sends, and its number, which is the deduplication id
	Number int
	// FIFO: of the message that is sent; empty: nobody ever saw it. Without it the order of concurrent
	// sends would have to be guessed, which takes for ever.
	Sequence string
	Lost   bool // some receives of this queue have lost their answers
}

func (o queueOperation) isKnown() bool { return o.Return != nil }

// A message of a standard queue. Several may be possible at once: a receipt deletes nothing when the
// message was received again, perhaps by a receive whose answer was lost.
type messageState struct {
	absent, gone, present bool
	count                 int   // of receives, at least
	hiddenUntil           int64 // at least
}

func receiveMessage(s messageState, o queueOperation) (bool, messageState) {
	isNext := o.Count == s.count+1 || (o.Lost && o.Count > s.count)
	if !s.present || !isNext || *o.Return < s.hiddenUntil {
		return false, s
	}
	return true, messageState{present: true, count: o.Count, hiddenUntil: o.Call + o.Hidden}
}

func deleteMessage(s messageState, o queueOperation) (bool, messageState) {
	if !s.present || s.count > o.Count {
		return true, s
	}
	s.gone, s.present = true, o.Lost
	s.count, s.hiddenUntil = o.Count+1, 0
	return true, s
}

func showMessage(s messageState, o queueOperation) (bool, messageState) {
	if !o.isKnown() {
		s.hiddenUntil = 0
		return true, s
	}
	if !s.present || (s.count != o.Count && !o.Lost) {
		return false, s
	}
	return true, messageState{present: true, count: s.count}
}

func stepMessage(state, in, out interface{}) (bool, interface{}) {
	s, o := state.(messageState), in.(queueOperation)
	switch o.Kind {
	case "send":
		if !o.isKnown() && !s.absent { // it never happened
			return true, s
		}
		return s.absent, messageState{present: true}
	case "receive":
		return pair(receiveMessage(s, o))
	case "delete":
		return pair(deleteMessage(s, o))
	case "show":
		return pair(showMessage(s, o))
	case "gone":
		return s.absent || s.gone, messageState{gone: true}
	default:
		panic("no operation " + o.Kind)
	}
}

func pair(holds bool, state interface{}) (bool, interface{}) { return holds, state }

// A group of a FIFO queue.
const senders = 4

type groupState struct {
	waiting     string // ids, in order, each with a space behind it
	inFlight    string // of the last receive, what is not deleted yet
	lockedUntil int64  // at least, while there is any
	sent        [senders]int
	sequence    string // of the last one that was sent
}

func join(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return strings.Join(ids, " ") + " "
}

func without(ids, id string) string { return strings.Replace(" "+ids, " "+id+" ", " ", 1)[1:] }

func sendToGroup(s groupState, o queueOperation) (bool, groupState) {
	if o.Number <= s.sent[o.Sender] {
		return true, s
	}
	if o.Sequence != "" && o.Sequence <= s.sequence {
		return false, s
	}
	s.sent[o.Sender], s.sequence = o.Number, o.Sequence
	s.waiting += o.IDs[0] + " "
	return true, s
}

func receiveFromGroup(s groupState, o queueOperation) (bool, groupState) {
	isLocked := s.inFlight != "" && *o.Return < s.lockedUntil
	ids := join(o.IDs)
	if isLocked || !strings.HasPrefix(s.waiting, ids) {
		return false, s
	}
	s.inFlight, s.lockedUntil = ids, o.Call+o.Hidden
	return true, s
}

func stepGroup(state, in, out interface{}) (bool, interface{}) {
	s, o := state.(groupState), in.(queueOperation)
	switch o.Kind {
	case "send":
		return pair(sendToGroup(s, o))
	case "receive":
		return pair(receiveFromGroup(s, o))
	case "delete":
		s.waiting, s.inFlight = without(s.waiting, o.IDs[0]), without(s.inFlight, o.IDs[0])
		return true, s
	case "show":
		s.inFlight = without(s.inFlight, o.IDs[0])
		return true, s
	case "gone":
		return s.waiting == "", s
	default:
		panic("no operation " + o.Kind)
	}
}

var (
	messageModel = porcupine.Model{
		Init: func() interface{} { return messageState{absent: true} }, Step: stepMessage}
	groupModel = porcupine.Model{Init: func() interface{} { return groupState{} }, Step: stepGroup}
)

func readQueues(file *os.File) map[string][]porcupine.Operation {
	parts := map[string][]porcupine.Operation{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o queueOperation
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			panic(err)
		}
		operation := porcupine.Operation{ClientId: o.Client, Input: o, Call: o.Call, Return: math.MaxInt64}
		if o.isKnown() {
			operation.Return = *o.Return
		}
		parts[o.Part] = append(parts[o.Part], operation)
	}
	return parts
}

func checkQueues() {
	bad := 0
	parts := readQueues(os.Stdin)
	for part, history := range parts {
		model := messageModel
		if strings.HasPrefix(part, "group ") {
			model = groupModel
		}
		result := porcupine.CheckOperationsTimeout(model, history, timeout)
		if result != porcupine.Ok {
			fmt.Printf("part=%q operations=%d result=%s\n", part, len(history), result)
			bad++
		}
	}
	fmt.Printf("parts=%d bad=%d\n", len(parts), bad)
	if bad > 0 {
		os.Exit(1)
	}
}
