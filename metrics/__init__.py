"""The plug-in for rubin_sim's MAF: metrics, bundles, runs. The only room that imports rubin_sim."""
