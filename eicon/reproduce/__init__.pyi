from . import song2016 as song2016
