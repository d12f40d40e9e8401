"""How English says its abbreviations, units and signs."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
MONTH_SHORT = {
    "Jan": "January",
    "Feb": "February",
    "Mar": "March",
    "Apr": "April",
    "Jun": "June",
    "Jul": "July",
    "Aug": "August",
    "Sep": "September",
    "Sept": "September",
    "Oct": "October",
    "Nov": "November",
    "Dec": "December",
}
DAY_SHORT = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Tues": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Thur": "Thursday",
    "Thurs": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}

CURRENCIES = {
    # sign: (one, many, one hundredth, hundredths)
    "€": ("euro", "euros", "cent", "cents"),
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", "jeon", "jeon"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "US$": ("dollar", "dollars", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "JPY": ("yen", "yen", "sen", "sen"),
    "CHF": ("franc", "francs", "centime", "centimes"),
    "CNY": ("yuan", "yuan", "fen", "fen"),
    "RMB": ("yuan", "yuan", "fen", "fen"),
}
MULTIPLES = {"k": "thousand", "m": "million", "bn": "billion", "tn": "trillion"} | {
    word: word for word in ("thousand", "million", "billion", "trillion")
}

UNITS = {
    # as written: (one, many)
    "km": ("kilometre", "kilometres"),
    "m": ("metre", "metres"),
    "cm": ("centimetre", "centimetres"),
    "mm": ("millimetre", "millimetres"),
    "µm": ("micrometre", "micrometres"),
    "nm": ("nanometre", "nanometres"),
    "mi": ("mile", "miles"),
    "ft": ("foot", "feet"),
    "yd": ("yard", "yards"),
    "km²": ("square kilometre", "square kilometres"),
    "m²": ("square metre", "square metres"),
    "m2": ("square metre", "square metres"),
    "cm²": ("square centimetre", "square centimetres"),
    "m³": ("cubic metre", "cubic metres"),
    "cm³": ("cubic centimetre", "cubic centimetres"),
    "km/h": ("kilometre per hour", "kilometres per hour"),
    "kph": ("kilometre per hour", "kilometres per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "m/s": ("metre per second", "metres per second"),
    "kg": ("kilogram", "kilograms"),
    "g": ("gram", "grams"),
    "mg": ("milligram", "milligrams"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "l": ("litre", "litres"),
    "L": ("litre", "litres"),
    "ml": ("millilitre", "millilitres"),
    "mL": ("millilitre", "millilitres"),
    "cl": ("centilitre", "centilitres"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "℃": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
    "ms": ("millisecond", "milliseconds"),
    "s": ("second", "seconds"),
    "sec": ("second", "seconds"),
    "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"),
    "h": ("hour", "hours"),
    "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "kB": ("kilobyte", "kilobytes"),
    "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"),
    "W": ("watt", "watts"),
    "kW": ("kilowatt", "kilowatts"),
    "kWh": ("kilowatt hour", "kilowatt hours"),
    "V": ("volt", "volts"),
    "dB": ("decibel", "decibels"),
    "px": ("pixel", "pixels"),
    "kcal": ("kilocalorie", "kilocalories"),
    "%": ("percent", "percent"),
    "‰": ("per mille", "per mille"),
}

ABBREVIATIONS = {
    "Dr.": "Doctor",
    "Dr": "Doctor",
    "Mr.": "Mister",
    "Mr": "Mister",
    "Mrs.": "Missis",
    "Mrs": "Missis",
    "Ms.": "Miz",
    "Ms": "Miz",
    "Prof.": "Professor",
    "Revd.": "Reverend",
    "Rev.": "Reverend",
    "Capt.": "Captain",
    "Sgt.": "Sergeant",
    "Lt.": "Lieutenant",
    "Col.": "Colonel",
    "Gen.": "General",
    "Hon.": "Honourable",
    "Jr.": "Junior",
    "Sr.": "Senior",
    "Ave.": "Avenue",
    "Rd.": "Road",
    "Blvd.": "Boulevard",
    "Sq.": "Square",
    "Mt.": "Mount",
    "Ft.": "Fort",
    "Ltd.": "Limited",
    "Ltd": "Limited",
    "Inc.": "Incorporated",
    "Corp.": "Corporation",
    "Co.": "Company",
    "Bros.": "Brothers",
    "Dept.": "Department",
    "dept.": "department",
    "e.g.": "for example",
    "eg.": "for example",
    "i.e.": "that is",
    "ie.": "that is",
    "etc.": "et cetera",
    "etc": "et cetera",
    "vs.": "versus",
    "vs": "versus",
    "v.": "versus",
    "cf.": "compare",
    "viz.": "namely",
    "approx.": "approximately",
    "ca.": "around",
    "est.": "established",
    "incl.": "including",
    "excl.": "excluding",
    "max.": "maximum",
    "min.": "minimum",
    "tel.": "telephone",
    "Tel.": "telephone",
    "ext.": "extension",
    "misc.": "miscellaneous",
    "a.m.": "a m",
    "p.m.": "p m",
    "A.M.": "a m",
    "P.M.": "p m",
    "w/o": "without",
    "w/": "with",
}
BEFORE_NUMBER = {
    "No.": "number",
    "no.": "number",
    "Nos.": "numbers",
    "nos.": "numbers",
    "Nr.": "number",
    "№": "number",
    "#": "number",
    "p.": "page",
    "pp.": "pages",
    "Fig.": "figure",
    "fig.": "figure",
    "Vol.": "volume",
    "vol.": "volume",
    "Ch.": "chapter",
    "ch.": "chapter",
    "§": "section",
    "c.": "around",
    "~": "about",
    "≈": "about",
    "±": "plus or minus",
    ">": "more than",
    "<": "less than",
    "≥": "at least",
    "≤": "at most",
    "+": "plus",
}
SIGNS = {"&": "and", "=": "equals", "@": "at", "°": "degrees", "%": "percent", "∞": "infinity", "÷": "divided by"}

FRACTIONS = {
    "½": "a half",
    "⅓": "a third",
    "⅔": "two thirds",
    "¼": "a quarter",
    "¾": "three quarters",
    "⅕": "a fifth",
    "⅛": "an eighth",
    "⅜": "three eighths",
    "⅝": "five eighths",
    "⅞": "seven eighths",
}

REGNAL = _words(
    "Alexander Alfonso Anne Benedict Carl Catherine Charles Christian Christina Clement Edward Elizabeth Ferdinand "
    "Francis Frederick Friedrich George Gregory Gustav Haakon Harald Henry Innocent Isabella Ivan James Joseph Karl "
    "Leopold Louis Ludwig Margaret Margrethe Mary Maximilian Napoleon Nicholas Olav Otto Paul Peter Philip Pius "
    "Ramesses Richard Robert Rudolf Sixtus Stephen Urban Victor Wilhelm William"
)
NUMBERED = _words(
    "Act Appendix Chapter Class Book Gallery Grade Hall Level Mark Part Phase Room Rocky Scene Section Series Stage "
    "Type Unit Volume War"
)

SPOKEN_AS_WORDS = _words(
    "NASA NATO UNESCO UNICEF LEGO RAM ROM PIN SIM AWOL LASER RADAR SONAR SCUBA IKEA COVID AIDS OPEC FIFA UEFA GIF "
    "JPEG ASAP WASP ZIP"
)
SHOUTED = _words(
    "A I AM AN AND ANY ARE AS AT BE BUT BY CAN DAY DID DO FOR GET GO HAD HAS HE HER HI HIM HIS HOW IF IN IS IT ITS LET "
    "MAY ME MY NEW NO NOR NOT NOW OF OFF OH OK ON ONE OR OUR OUT OWN SAY SEE SHE SO THE TO TOO TWO UP US USE WAS WAY "
    "WE WHO WHY WOW YES YET YOU"
)
