"""The wire: OpenAI Realtime GA over a websocket, and the sockets, timers and engines around the conversation."""
