"""One way of refusing a parameter."""


def require(owner: str, holds: bool, condition: str, **got) -> None:
    """Raise ValueError `owner: need condition, got name=value` unless it holds."""
    if not holds:
        raise ValueError(f"{owner}: need {condition}, got {', '.join(f'{k}={v!r}' for k, v in got.items())}")
