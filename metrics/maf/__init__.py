"""What rubin_sim's MAF asks of a plug-in: data folder, camera, visits of our surveys, bundle groups."""
