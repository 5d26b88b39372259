"""A language model that is none: it says what it was asked, word by word, and takes its time."""

import asyncio
from collections.abc import AsyncIterator

SECONDS_PER_WORD = 0.01


async def answer(question: str) -> AsyncIterator[str]:
    """Give the words of an answer, one after another, as models do.

    Args:
        question: What was asked.
    """
    for word in ["You ", "asked: ", *(f"{word} " for word in question.split())]:
        await asyncio.sleep(SECONDS_PER_WORD)
        yield word
