# The operator's pages of a running c10m.
import http.client
import json
import urllib.parse


def admin(server, method, page, **parameters):
    """Status and body of an exchange with /_c10m/PAGE, with the admin token."""
    token = (server.data / "admin-token").read_text().strip()
    path = f"/_c10m/{page}"
    if parameters:
        path += "?" + urllib.parse.urlencode(parameters)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    try:
        connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def clock_move(server, **how):
    """clock_move(server, advance_s=60) or to="2030-01-01T00:00:00Z"; the clock as it is then."""
    status, body = admin(server, "POST", "clock", **how)
    assert status == 200, (status, body)
    return json.loads(body)
