package main

// mediasoup behind the small Node.js program beside this folder: one connection that sends, and one that receives all
// others, as mediasoup's own client makes them.

import (
	"errors"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

type mediasoup struct {
	url      string
	sessions sync.Map // participant's name -> *mediasoupSession
}

type mediasoupMessage struct {
	Id     int    `json:"id"`
	Method string `json:"method,omitempty"`
	Room   int    `json:"room,omitempty"`
	Name   string `json:"name,omitempty"`
	Sdp    string `json:"sdp,omitempty"`
	Error  string `json:"error,omitempty"`
}

// mediasoupSession is a participant's WebSocket. It has one request under way at a time.
type mediasoupSession struct {
	ws    *websocket.Conn
	p     *participant
	mutex sync.Mutex
	next  int
}

func (m *mediasoup) prepare(int) error { return nil }

// session is the one of the participant, who may have it already as a publisher.
func (m *mediasoup) session(p *participant) (*mediasoupSession, error) {
	if known, has := m.sessions.Load(p.name); has {
		return known.(*mediasoupSession), nil
	}
	dialer := websocket.Dialer{HandshakeTimeout: patience}
	ws, _, err := dialer.Dial(m.url, nil)
	if err != nil {
		return nil, err
	}
	s := &mediasoupSession{ws: ws, p: p}
	p.onClose(func() { _ = ws.Close() })
	m.sessions.Store(p.name, s)
	return s, nil
}

func (s *mediasoupSession) request(method, sdp string) (string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.next++
	err := s.ws.WriteJSON(mediasoupMessage{Id: s.next, Method: method, Room: s.p.room, Name: s.p.name, Sdp: sdp})
	if err != nil {
		return "", err
	}
	var m mediasoupMessage
	_ = s.ws.SetReadDeadline(time.Now().Add(patience))
	if err := s.ws.ReadJSON(&m); err != nil {
		return "", err
	}
	if m.Error != "" {
		return "", errors.New(m.Error)
	}
	if m.Id != s.next {
		return "", errors.New("an answer to another request")
	}
	return m.Sdp, nil
}

func (m *mediasoup) enter(p *participant) error {
	if len(p.sources) == 0 {
		return nil
	}
	s, err := m.session(p)
	if err != nil {
		return err
	}
	return p.publishThrough(func(ours string) (string, error) { return s.request("publish", ours) })
}

func (m *mediasoup) receive(p *participant, _ []*participant) error {
	if !p.receives {
		return nil
	}
	s, err := m.session(p)
	if err != nil {
		return err
	}
	p.opened.Store(int64(time.Since(epoch)))
	theirs, err := s.request("subscribe", "")
	if err != nil {
		return err
	}
	return p.receiveThrough(theirs, func(ours string) error {
		_, err := s.request("answer", ours)
		return err
	})
}
