package main

// Servers whose participants have one connection that sends and another that receives all others.

import (
	"errors"
	"time"

	"github.com/pion/webrtc/v3"
)

// publishThrough makes the connection that sends, and waits until it is up. `exchange` gives the answer to its offer.
func (p *participant) publishThrough(exchange func(ours string) (string, error)) error {
	pc, err := p.connection()
	if err != nil {
		return err
	}
	up := make(chan struct{})
	p.watch(pc, func() {
		p.startSources()
		close(up)
	})
	if err := p.publish(pc, webrtc.RTPTransceiverDirectionSendonly); err != nil {
		return err
	}
	ours, err := offer(pc)
	if err != nil {
		return err
	}
	theirs, err := exchange(ours)
	if err != nil {
		return err
	}
	err = pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: theirs})
	if err != nil {
		return err
	}
	select {
	case <-up:
		return nil
	case <-time.After(patience):
		return errors.New("the publisher does not connect")
	}
}

// receiveThrough makes the connection that receives, by the server's offer. `reply` takes the answer to it.
func (p *participant) receiveThrough(theirs string, reply func(ours string) error) error {
	p.described.Store(int64(time.Since(epoch)))
	pc, err := p.connection()
	if err != nil {
		return err
	}
	p.watch(pc, func() {})
	ours, err := answer(pc, theirs)
	if err != nil {
		return err
	}
	return reply(ours)
}
