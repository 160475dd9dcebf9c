"""A language model over an OpenAI-compatible server that is given whole prompts, such as those of ragas."""

from dataclasses import dataclass

from hybrid.endpoint import Endpoint, EndpointError, parse_address

PREFIX = "endpoint:"
"""How the names of judges begin that are such a model."""


@dataclass(frozen=True, slots=True)
class PromptedModel:
    """A model by its name on a server, which receives every prompt."""

    model: str
    endpoint: Endpoint

    def ask(self, prompt: str) -> str:
        """The reply to a prompt that wants JSON.

        Raises:
            EndpointError: there is none.
            ValueError: the server's answer holds no text.
        """
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "response_format": {"type": "json_object"},
            "temperature": 0,
            "seed": 0,
        }
        reply = self.endpoint.send_all("/chat/completions", [body])[0]
        if isinstance(reply, EndpointError):
            raise reply
        try:
            said = reply["choices"][0]["message"]["content"]
        except (KeyError, IndexError, TypeError):
            said = None
        if not isinstance(said, str):
            raise ValueError("the reply holds no text")
        return said


def prompted_model(address: str) -> PromptedModel:
    """The model of an address ``MODEL@URL``, with or without ``endpoint:`` before it.

    Raises:
        BadSpec: it is not of that form.
    """
    model, url = parse_address(address.removeprefix(PREFIX))
    return PromptedModel(model, Endpoint(url))
