require('wtfnode').init();
