"""How texts are pronounced, in the languages and by the tags that voices have."""

import pytest

from avatar.lipsync.pronounce import Pronouncer, PronunciationError


@pytest.mark.asyncio
async def test_tags_scripts_and_what_cannot_be_read() -> None:
    pronouncer = Pronouncer()
    await pronouncer.start()
    try:
        plain = [phone.symbol for phone in (await pronouncer.pronounce("Guten Morgen.", "de")).phones]
        assert len(plain) > 6
        for tag in ("de-DE", "de-at"):
            assert [phone.symbol for phone in (await pronouncer.pronounce("Guten Morgen.", tag)).phones] == plain
        assert (await pronouncer.pronounce("Good morning.", "en-GB")).phones
        mandarin = [phone.symbol for phone in (await pronouncer.pronounce("你好，妈妈。", "en")).phones]
        cantonese = [phone.symbol for phone in (await pronouncer.pronounce("你好，妈妈。", "yue")).phones]
        assert mandarin != cantonese
        with pytest.raises(PronunciationError, match="Japanese"):
            await pronouncer.pronounce("今日は", "ja-JP")
        with pytest.raises(PronunciationError, match="cannot be pronounced"):
            await pronouncer.pronounce("nuqneH", "tlh-XX")
    finally:
        await pronouncer.stop()
